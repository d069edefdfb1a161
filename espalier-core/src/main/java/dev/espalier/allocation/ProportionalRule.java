package dev.espalier.allocation;

import dev.espalier.error.InputException;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Shares a budget out in proportion to sensitivity, for one task or several: each task's sensitivities are divided by
 * their sum over the group, then averaged over the tasks, so that no task counts more for its larger loss. Whole numbers
 * come by the largest remainder, ties to the matrix that is first in the model. A matrix of sensitivity 0 gets no more than
 * the minimum.
 */
public final class ProportionalRule implements AllocationRule {
    private final Grouping grouping;
    private final Budget budget;
    private final Bounds bounds;

    /** @throws InputException if the group is {@code type}: the budget is one for all matrices */
    public ProportionalRule(Budget budget, Bounds bounds, Grouping grouping) {
        if (grouping == Grouping.TYPE) {
            throw new InputException("The group type goes with the rule percentile;"
                    + " a budget is shared among the matrices of attention or all.");
        }
        this.budget = budget;
        this.bounds = bounds;
        this.grouping = grouping;
    }

    @Override
    public Grouping grouping() {
        return grouping;
    }

    /** What may be given out. */
    public sealed interface Budget {
        /** How much it is. */
        long count();

        /** So many experts, or ranks, in all. */
        record Experts(long count) implements Budget {}

        /** As many experts, or ranks, as can be had for so many trained weights. */
        record Weights(long count, Cost cost) implements Budget {}
    }

    /**
     * How much a matrix gets at least and at most.
     *
     * @param maximum empty for no limit
     */
    public record Bounds(int minimum, OptionalInt maximum) {
        /** No limits. */
        public static final Bounds NONE = new Bounds(0, OptionalInt.empty());

        /** @throws InputException if the minimum is negative or greater than the maximum */
        public Bounds {
            if (minimum < 0) {
                throw new InputException("The minimum for a matrix must be at least 0, not " + minimum + ".");
            }
            if (maximum.isPresent() && maximum.getAsInt() < minimum) {
                throw new InputException("The maximum for a matrix, " + maximum.getAsInt()
                        + ", is smaller than the minimum, " + minimum + ".");
            }
        }
    }

    /**
     * @throws InputException if the budget is smaller than the minimum of all matrices or greater than their maximum, if
     *     a task is sensitive to none of them, or if weights are to be counted and a shape is not known
     */
    @Override
    public Allocation allocate(Matrices matrices) {
        requireFit(matrices);
        var group = grouping.members(matrices.modules());
        var shares = shares(matrices.sensitivities(), group);
        var numbers = budget instanceof Budget.Weights weights
                ? affordable(weights, shares, matrices.shapes(group))
                : Apportionment.share(shares, bounds, budget.count());
        var counts = matrices.zeros();
        for (int i = 0; i < numbers.length; i++) {
            counts.put(group.get(i), numbers[i]);
        }
        return new Allocation(counts);
    }

    @Override
    public void requireFit(Matrices matrices) {
        var group = grouping.members(matrices.modules());
        long count = budget.count();
        boolean inWeights = budget instanceof Budget.Weights;
        long least = budget instanceof Budget.Weights weights
                ? minimal(weights.cost(), matrices.shapes(group))
                : (long) bounds.minimum() * group.size();
        if (count < least) {
            throw new InputException("The budget of " + count + (inWeights ? " trained weights" : "")
                    + " is smaller than the " + least + " that the minimum of " + bounds.minimum() + " for each of "
                    + group.size() + " matrices takes.");
        }
        if (!inWeights
                && bounds.maximum().isPresent()
                && count > (long) bounds.maximum().getAsInt() * group.size()) {
            throw new InputException("The budget of " + count + " is greater than " + group.size()
                    + " matrices can take at a maximum of " + bounds.maximum().getAsInt() + " each.");
        }
    }

    /** What the minimum of every matrix costs. */
    private long minimal(Cost cost, List<MatrixShape> shapes) {
        return shapes.stream()
                .mapToLong(shape -> cost.weights(shape, bounds.minimum()))
                .sum();
    }

    /** The largest numbers that cost no more than the budget, by halving: the more are shared out, the more they cost. */
    private int[] affordable(Budget.Weights weights, double[] shares, List<MatrixShape> shapes) {
        long least = (long) bounds.minimum() * shapes.size();
        long minimal = minimal(weights.cost(), shapes);
        long fits = least;
        // Each costs at least one weight.
        long tooMuch = least + weights.count() - minimal + 1;
        while (tooMuch - fits > 1) {
            long middle = fits + (tooMuch - fits) / 2;
            if (cost(weights.cost(), Apportionment.share(shares, bounds, middle), shapes) <= weights.count()) {
                fits = middle;
            } else {
                tooMuch = middle;
            }
        }
        return Apportionment.share(shares, bounds, fits);
    }

    private static long cost(Cost cost, int[] numbers, List<MatrixShape> shapes) {
        return IntStream.range(0, numbers.length)
                .mapToLong(i -> cost.weights(shapes.get(i), numbers[i]))
                .sum();
    }

    private static double[] shares(Sensitivities sensitivities, List<String> group) {
        var shares = new double[group.size()];
        var tasks = sensitivities.tasks().keySet();
        for (var task : tasks) {
            var values = sensitivities.values(task, group);
            double sum = Arrays.stream(values).sum();
            if (!(sum > 0)) {
                throw new InputException("Task '" + task + "' is sensitive to none of the " + group.size()
                        + " matrices (all values are 0), so nothing can be shared out; "
                        + (tasks.size() > 1 ? "leave the task out." : "measure on other rows, or another task."));
            }
            for (int i = 0; i < shares.length; i++) {
                shares[i] += values[i] / sum / tasks.size();
            }
        }
        return shares;
    }
}
