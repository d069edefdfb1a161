package dev.espalier.importance;

import dev.espalier.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/** How large each rank-one component of a low-rank delta {@code B A} is. */
public final class ComponentNorms {
    private ComponentNorms() {}

    /**
     * {@code ‖b_k a_k‖_F = ‖b_k‖ ‖a_k‖} for each component k.
     *
     * @param a {@code [rank, in]}
     * @param b {@code [out, rank]}
     * @return {@code [rank]}, fp32, in the caller's scope
     */
    public static Tensor of(Tensor a, Tensor b) {
        try (var scope = Scope.open()) {
            return scope.keep(Norms.along(a, 1).mul(Norms.along(b, 0)));
        }
    }
}
