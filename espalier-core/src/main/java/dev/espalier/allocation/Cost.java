package dev.espalier.allocation;

import java.util.Map;

/** How many weights are trained for a matrix. */
@FunctionalInterface
public interface Cost {
    /** Trained weights of a matrix of {@code shape} that gets {@code count} experts, or that rank; 0 for a count of 0. */
    long weights(MatrixShape shape, int count);

    /**
     * Experts that share A, as LoRA-SMoE's do (arXiv 2505.06272): {@code r·in + n·r·out}, and a router of {@code n·in}
     * where there is more than one.
     *
     * @param rank of each expert
     */
    static Cost sharedExperts(int rank) {
        return (shape, count) ->
                count == 0 ? 0 : (long) rank * shape.in() + (long) count * rank * shape.out() + router(shape, count);
    }

    /**
     * Experts with factors of their own: {@code n·r·(in + out)}, and a router of {@code n·in} where there is more than one.
     *
     * @param rank of each expert
     */
    static Cost separateExperts(int rank) {
        return (shape, count) -> (long) count * rank * (shape.in() + shape.out()) + router(shape, count);
    }

    /** One expert of that rank: {@code r·(in + out)}. */
    static Cost ranks() {
        return (shape, count) -> (long) count * (shape.in() + shape.out());
    }

    /** The same where a router has a layer of so many hidden units, {@code hidden·(in + n)} in the place of {@code n·in}. */
    default Cost withHidden(int hidden) {
        return (shape, count) ->
                weights(shape, count) - router(shape, count) + (count > 1 ? (long) hidden * (shape.in() + count) : 0);
    }

    /** Trained weights of all matrices. */
    default long total(Allocation allocation, Map<String, MatrixShape> shapes) {
        return allocation.counts().entrySet().stream()
                .mapToLong(entry -> weights(Matrices.shape(shapes, entry.getKey()), entry.getValue()))
                .sum();
    }

    private static long router(MatrixShape shape, int count) {
        return count > 1 ? (long) count * shape.in() : 0;
    }
}
