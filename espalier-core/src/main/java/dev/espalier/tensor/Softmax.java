package dev.espalier.tensor;

import java.util.function.Supplier;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Softmax over the last dimension of large matrices of scores, and its gradient. One softmax serves the matrices of one
 * pass through one attention.
 *
 * <p>Softmax does not change when a row is shifted, and where exponentials of the scores as they are neither overflow nor
 * vanish the shift by the largest is left out: on CPUs looking for it is a third of libtorch's softmax. Sums of the
 * exponentials tell whether that held; if it did not, this matrix and those that follow are computed with the shift. What
 * is computed depends on nothing but the scores of the pass.
 */
public final class Softmax {
    private static final NativeOp BACKWARD = new NativeOp("aten::_softmax_backward_data", "out");

    /** Sums of exponentials from here to {@link #MOST} leave fp32 room for every term that matters. */
    private static final double LEAST = 1e-25;

    private static final double MOST = 1e35;

    /** Up to so many scores the operations that are saved cost less than those that look at the sums. */
    private static final int FEW = 1 << 14;

    private boolean shifts = !Engine.deviceName().equals("cpu");

    /**
     * The softmax of scores.
     *
     * @param scores computes them; it is called again where the first were used up in vain
     * @return in the buffer of the scores, in the caller's scope
     */
    public Tensor of(Supplier<Tensor> scores) {
        var x = scores.get();
        if (!shifts && x.numel() > FEW) {
            if (unshifted(x)) {
                return x;
            }
            shifts = true;
            x = scores.get();
        }
        torch.softmax_out(x, x, -1);
        return x;
    }

    private static boolean unshifted(Tensor x) {
        try (var scope = Scope.open()) {
            x.exp_();
            var dtype = Engine.dtype(x);
            var wide = dtype == ScalarType.Double ? dtype : ScalarType.Float;
            var sums = x.sum(new long[] {-1}, true, new ScalarTypeOptional(wide));
            var ends = torch.aminmax(sums);
            // A comparison with what is no number is false.
            boolean fits = ends.get0().item_double() >= LEAST && ends.get1().item_double() <= MOST;
            if (fits) {
                x.mul_(sums.reciprocal_().to(dtype));
            }
            return fits;
        }
    }

    /**
     * The gradient of the scores.
     *
     * @param dProbabilities is overwritten with it
     * @return {@code dProbabilities}
     */
    public static Tensor backward(Tensor dProbabilities, Tensor probabilities) {
        // The operator may write over its first argument: every row is read before it is written.
        BACKWARD.call(dProbabilities, probabilities, -1L, (long) Engine.dtype(probabilities).value, dProbabilities);
        return dProbabilities;
    }
}
