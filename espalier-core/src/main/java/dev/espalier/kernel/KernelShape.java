package dev.espalier.kernel;

/**
 * What the choice of a kernel depends on.
 *
 * @param experts of the linear
 * @param rank of each expert
 * @param active experts that a token is given at most
 * @param sharedA whether all experts have the same {@code A}
 * @param tokens of the pass, padding included
 * @param in the linear's inputs
 * @param out the linear's outputs
 * @param dtype of the products, such as {@code fp32}
 * @param device such as {@code cpu}
 * @param threads that libtorch uses for one operation
 */
public record KernelShape(
        int experts,
        int rank,
        int active,
        boolean sharedA,
        int tokens,
        int in,
        int out,
        String dtype,
        String device,
        int threads) {}
