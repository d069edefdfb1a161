package dev.espalier.kernel;

import dev.espalier.routing.Router;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * What the experts of one linear get in one pass.
 *
 * @param x the linear's input, {@code [tokens, in]}
 * @param value what of it the experts see, not scaled
 * @param mask 0 or 1 where {@code value} is not {@code x}; null where it is
 * @param scale {@code s}, times what makes up for the mask
 * @param gate the experts' weights; null for one expert that is always on
 * @param rootGradient whether an expert's gradient is weighed by the root of its gate, where its output is weighed by the
 *     gate itself: what Sun et al. (<a href="https://arxiv.org/abs/2502.15828">arXiv 2502.15828</a>) do, so that experts
 *     with small gates learn too. The gate's own gradient is as it would be
 */
public record ExpertInput(
        Variable x,
        Tensor value,
        @Nullable Tensor mask,
        double scale,
        Router.@Nullable Gate gate,
        boolean rootGradient,
        Tape tape) {
    /**
     * What gradients of experts are weighed by.
     *
     * @param weights the gate's, of any shape
     */
    Tensor backwardWeights(Tensor weights) {
        // Weights without a router may be negative.
        return rootGradient ? weights.abs().sqrt().mul(weights.sign()) : weights;
    }

    /** Adds the product {@code dU A} to the input's gradient. */
    void accumulateProduct(Tensor dU, Tensor a) {
        if (mask == null) {
            x.accumulateProduct(dU, a);
        } else if (x.requiresGrad()) {
            accumulate(torch.mm(dU, a));
        }
    }

    /** Adds {@code dValue}, which is changed, to the input's gradient. */
    void accumulate(Tensor dValue) {
        if (mask != null) {
            dValue.mul_(mask);
        }
        x.accumulate(dValue);
    }

    /** Keeps for backward what both kernels need. */
    void save() {
        tape.save(value);
        if (mask != null) {
            tape.save(mask);
        }
        if (gate != null) {
            tape.save(gate.weights());
        }
    }
}
