package dev.espalier.kernel;

import dev.espalier.tensor.Parameter;

/**
 * The low-rank experts of one linear, stacked.
 *
 * @param a {@code [count * rank, in]}, or {@code [rank, in]} for all experts
 * @param b {@code [out, count * rank]}
 * @param count how many there are
 * @param bottleneck whether {@code silu(A x)} takes the place of {@code A x}
 */
public record Experts(Parameter a, Parameter b, int count, boolean bottleneck) {
    /** Of each expert. */
    public int rank() {
        return (int) b.value().size(1) / count;
    }

    /** Whether all experts have the same {@code A}. */
    public boolean sharedA() {
        return a.value().size(0) != b.value().size(1);
    }
}
