package dev.espalier.model;

import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A label, several labels or a number for a sequence: pooling, the family's dense layer and tanh, projection. */
final class SequenceHead implements Head {
    private final Pooling pooling;
    private final @Nullable Linear dense;
    private final Linear projection;
    private final @Nullable Dropout inputDropout;
    private final Dropout dropout;
    private final List<TrainedModule> trained;

    /**
     * @param prefix empty, or the head's own path with a dot at its end
     * @param outputs labels, or 1 for a number
     */
    SequenceHead(
            String prefix,
            int outputs,
            Pooling pooling,
            EncoderFamily family,
            EncoderConfig config,
            HeadWeights weights) {
        this.pooling = pooling;
        var layout = family.classifier();
        trained = new ArrayList<>();
        projection = weights.linear(prefix + layout.projection(), outputs, config.hidden());
        if (pooling == Pooling.DEFAULT) {
            dense = weights.linear(prefix + layout.dense(), config.hidden(), config.hidden());
            inputDropout = layout.dropoutBeforeDense()
                    ? new Dropout(prefix + "input_dropout", config.classifierDropout())
                    : null;
            weights.addTrained(trained, prefix + layout.denseSaved(), dense);
        } else {
            dense = null;
            inputDropout = null;
        }
        weights.addTrained(trained, prefix + top(layout.projection()), projection);
        dropout = new Dropout(prefix + "dropout", config.classifierDropout());
    }

    /** The module that holds a projection: {@code classifier} for {@code classifier.out_proj}. */
    private static String top(String path) {
        int dot = path.indexOf('.');
        return dot < 0 ? path : path.substring(0, dot);
    }

    @Override
    public Variable forward(Variable hidden, ForwardContext context) {
        var tape = context.tape();
        var x = tape.autograd(List.of(hidden), List.of(), in -> pooling.pool(in.get(0), context));
        var rows = context.perSequence();
        if (dense != null) {
            if (inputDropout != null) {
                x = inputDropout.forward(x, rows);
            }
            x = Activation.TANH.forward(dense.forward(x, rows), rows);
        }
        return projection.forward(dropout.forward(x, rows), rows);
    }

    @Override
    public boolean readsFirstTokens() {
        return pooling != Pooling.MEAN;
    }

    @Override
    public List<Linear> linears() {
        return dense == null ? List.of(projection) : List.of(dense, projection);
    }

    @Override
    public List<TrainedModule> trained() {
        return List.copyOf(trained);
    }
}
