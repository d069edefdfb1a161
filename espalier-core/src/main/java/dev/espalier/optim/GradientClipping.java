package dev.espalier.optim;

import dev.espalier.tensor.Scope;
import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Clipping by the 2-norm over all gradients, as PyTorch's {@code clip_grad_norm_}. */
public final class GradientClipping {
    private GradientClipping() {}

    /**
     * Multiplies every gradient, in place, by {@code min(1, maxNorm / (norm + 1e-6))}.
     *
     * @param maxNorm above 0; {@link Double#POSITIVE_INFINITY} only measures
     * @return the norm before clipping; 0 without gradients
     * @throws NonFiniteGradientException when the norm is infinite or not a number; the gradients are left as they are
     */
    @SuppressWarnings("try") // the guard works by being open
    public static double clip(Map<String, Tensor> gradients, double maxNorm) {
        if (gradients.isEmpty()) {
            return 0;
        }
        try (var scope = Scope.open();
                var noGrad = new NoGradGuard()) {
            var list = ListOperator.list(gradients.values());
            var norm = torch.stack(ListOperator.norms(list)).norm().item_double();
            if (!Double.isFinite(norm)) {
                throw new NonFiniteGradientException(norm, whereNonFinite(gradients));
            }
            var factor = maxNorm / (norm + 1e-6);
            if (factor < 1) {
                ListOperator.multiply(list, factor);
            }
            return norm;
        }
    }

    /** The first tensor at fault; each may be finite where the sum of their squares is not. */
    private static String whereNonFinite(Map<String, Tensor> gradients) {
        return gradients.entrySet().stream()
                .filter(entry -> !Double.isFinite(entry.getValue().norm().item_double()))
                .map(entry -> "in " + entry.getKey())
                .findFirst()
                .orElse("in the sum over all tensors");
    }
}
