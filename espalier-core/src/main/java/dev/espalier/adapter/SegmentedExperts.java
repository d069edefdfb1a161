package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The first values of GOAT's experts (Fan et al., "Make LoRA great again",
 * <a href="https://arxiv.org/abs/2502.16894">arXiv 2502.16894</a>): the singular values of the frozen weight are cut into
 * as many segments as there are experts; an expert starts from the first {@code rank} of its segment, as
 * {@code B = U √(S / (s ρ))} and {@code A = √(S / (s ρ)) Vᵀ} with {@code ρ = 10}. What experts with even gates give at
 * first, {@code (s / E) Σ B A}, is taken off again. Of the scope it is made in.
 */
final class SegmentedExperts {
    private static final double RHO = 10;

    private final SingularComponents components;
    private final int experts;
    private final int rank;
    private final double divisor;

    /**
     * @param rank of each expert
     * @param scaling {@code s}
     */
    SegmentedExperts(Linear linear, int experts, int rank, double scaling) {
        components = new SingularComponents(linear);
        this.experts = experts;
        this.rank = rank;
        divisor = scaling * RHO;
        if (rank > components.count() / experts) {
            throw new InputException("Rank " + rank + " of " + linear.name() + "'s " + experts
                    + " experts is more than their segments of " + components.count() / experts
                    + " singular values; lower rank or experts, or choose another initialisation.");
        }
    }

    /** {@code [experts * rank, in]}. */
    Tensor a() {
        return torch.cat(
                new TensorVector(IntStream.range(0, experts)
                        .mapToObj(e -> components.a(first(e), rank, divisor))
                        .toArray(Tensor[]::new)),
                0);
    }

    /** {@code [out, experts * rank]}. */
    Tensor b() {
        return torch.cat(
                new TensorVector(IntStream.range(0, experts)
                        .mapToObj(e -> components.b(first(e), rank, divisor))
                        .toArray(Tensor[]::new)),
                1);
    }

    private long first(int expert) {
        return expert * (components.count() / experts);
    }
}
