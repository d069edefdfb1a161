package dev.espalier.allocation;

import dev.espalier.error.InputException;
import java.util.Map;

/** Gives weight matrices experts, or ranks. */
@FunctionalInterface
public interface AllocationRule {
    /**
     * What each of {@code matrices} gets, in their order, 0 for none.
     *
     * @throws InputException if the rule needs to know more of the matrices, or if its budget does not fit them
     */
    Allocation allocate(Matrices matrices);

    /**
     * Refuses matrices that {@link #allocate} refuses whatever is measured of them, so that nothing need be measured first.
     *
     * @throws InputException as {@link #allocate}
     */
    default void requireFit(Matrices matrices) {}

    /** Which matrices may get something. */
    default Grouping grouping() {
        return Grouping.ALL;
    }

    /** The same for matrices of which the sensitivities alone are known. */
    default Allocation allocate(Sensitivities sensitivities) {
        return allocate(Matrices.of(sensitivities));
    }

    /** The same for a model's matrices and what was measured of them. */
    default Allocation allocate(Sensitivities sensitivities, Map<String, MatrixShape> shapes) {
        return allocate(Matrices.of(shapes).with(sensitivities));
    }

    /** The same number for every matrix of a group. */
    static AllocationRule uniform(int count, Grouping grouping) {
        if (count < 0) {
            throw new InputException("The number for every matrix must be at least 0, not " + count + ".");
        }
        return new UniformRule(count, grouping);
    }

    /** What a table says, which must be for these very matrices; in their order. */
    static AllocationRule table(Allocation table) {
        return matrices -> {
            table.requireFor(matrices.modules());
            var counts = matrices.zeros();
            counts.replaceAll((module, zero) -> table.count(module));
            return new Allocation(counts);
        };
    }
}
