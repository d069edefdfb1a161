package dev.espalier.model;

import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The vocabulary's logits for every token: dense, activation, norm, and the word embeddings as output weights. */
final class MaskedLmHead implements Head {
    private final Linear dense;
    private final LayerNorm norm;
    private final Linear decoder;
    private final Activation activation;

    MaskedLmHead(EncoderFamily family, EncoderConfig config, Weights weights, Embeddings embeddings) {
        var layout = family.maskedLm();
        dense = EncoderLayer.linear(weights, layout.dense(), config.hidden(), config.hidden());
        norm = EncoderLayer.norm(weights, layout.norm(), config);
        decoder = new Linear("decoder", embeddings.words(), weights.parameter(layout.bias(), config.vocabulary()));
        activation = config.activation();
    }

    @Override
    public Variable forward(Variable hidden, ForwardContext context) {
        var transformed = activation.forward(dense.forward(hidden, context), context);
        var logits = decoder.forward(norm.forward(transformed, context), context);
        return context.tape()
                .autograd(List.of(logits), List.of(), in -> in.get(0).to(ScalarType.Float));
    }

    @Override
    public List<Linear> linears() {
        return List.of(dense);
    }

    @Override
    public List<TrainedModule> trained() {
        return List.of();
    }
}
