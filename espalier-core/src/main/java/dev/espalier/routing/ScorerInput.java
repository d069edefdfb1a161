package dev.espalier.routing;

import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * What a scorer gets in one pass.
 *
 * @param x the router's input, {@code [tokens, in]}
 * @param value what of it the scorer sees
 * @param jitter what {@code x} was multiplied with; null where {@code value} is {@code x}
 */
record ScorerInput(Variable x, Tensor value, @Nullable Tensor jitter, Tape tape) {
    /** Adds the product {@code dU weight} to the input's gradient. */
    void accumulateProduct(Tensor dU, Tensor weight) {
        if (jitter == null) {
            x.accumulateProduct(dU, weight);
        } else if (x.requiresGrad()) {
            accumulate(torch.mm(dU, weight));
        }
    }

    /** Adds {@code dValue}, which may be changed, to the input's gradient. */
    void accumulate(Tensor dValue) {
        if (jitter != null) {
            dValue.mul_(jitter);
        }
        x.accumulate(dValue);
    }

    /** Keeps for backward what all scorers need. */
    void save() {
        tape.save(value);
        if (jitter != null) {
            tape.save(jitter);
        }
    }
}
