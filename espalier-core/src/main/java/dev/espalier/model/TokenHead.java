package dev.espalier.model;

import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A label per token: dropout and a projection. */
final class TokenHead implements Head {
    private final Linear classifier;
    private final Dropout dropout;
    private final List<TrainedModule> trained = new ArrayList<>();

    TokenHead(String prefix, int outputs, EncoderConfig config, HeadWeights weights) {
        classifier = weights.linear(prefix + "classifier", outputs, config.hidden());
        dropout = new Dropout(prefix + "dropout", config.classifierDropout());
        weights.addTrained(trained, prefix + "classifier", classifier);
    }

    @Override
    public Variable forward(Variable hidden, ForwardContext context) {
        var single = context.tape()
                .autograd(List.of(hidden), List.of(), in -> in.get(0).to(ScalarType.Float));
        return classifier.forward(dropout.forward(single, context), context);
    }

    @Override
    public List<Linear> linears() {
        return List.of(classifier);
    }

    @Override
    public List<TrainedModule> trained() {
        return List.copyOf(trained);
    }
}
