package dev.espalier.allocation;

import dev.espalier.error.InputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * LoRA-SMoE's rule (arXiv 2505.06272, and the authors' code): a matrix gets an expert for each task that it is among the
 * more sensitive of its group for, {@code n(m) = Σ_t 1[S_t(m) > θ_t]} with {@code θ_t = percentile_{100−keep}(S_t)}.
 *
 * @param keep percent of the matrices of a group that each task keeps, 0 to 100; with 100 the least sensitive one is
 *     still left out, as the comparison is strict
 * @param grouping which matrices a percentile is taken over
 */
public record PercentileRule(double keep, Grouping grouping) implements AllocationRule {
    /** @throws InputException if {@code keep} is no percentage */
    public PercentileRule {
        if (!(keep >= 0 && keep <= 100)) {
            throw new InputException("The percentage of matrices to keep must be between 0 and 100, not " + keep + ".");
        }
    }

    @Override
    public Allocation allocate(Matrices matrices) {
        var counts = matrices.zeros();
        var groups = grouping.groups(matrices.modules()).values();
        var sensitivities = matrices.sensitivities();
        for (var task : sensitivities.tasks().keySet()) {
            for (var group : groups) {
                var values = sensitivities.values(task, group);
                double threshold = threshold(values);
                for (int i = 0; i < values.length; i++) {
                    if (values[i] > threshold) {
                        counts.merge(group.get(i), 1, Integer::sum);
                    }
                }
            }
        }
        return new Allocation(counts);
    }

    /** θ of each task by group; a matrix counts where its sensitivity is greater. */
    public Map<String, Map<String, Double>> thresholds(Sensitivities sensitivities) {
        var groups = grouping.groups(sensitivities.modules());
        Map<String, Map<String, Double>> thresholds = new LinkedHashMap<>();
        for (var task : sensitivities.tasks().keySet()) {
            Map<String, Double> byGroup = new LinkedHashMap<>();
            groups.forEach((name, group) -> byGroup.put(name, threshold(sensitivities.values(task, group))));
            thresholds.put(task, byGroup);
        }
        return thresholds;
    }

    private double threshold(double[] values) {
        return percentile(Arrays.stream(values).sorted().toArray(), 100 - keep);
    }

    /**
     * The percentile as numpy's default method has it, to the last bit, so that ties at a threshold fall as they do there:
     * linear between the two sorted values around position {@code (n − 1) · percent / 100}, reckoned from the nearer one.
     */
    static double percentile(double[] sorted, double percent) {
        double position = (sorted.length - 1) * (percent / 100);
        int below = (int) Math.floor(position);
        double low = sorted[below];
        double high = sorted[Math.min(below + 1, sorted.length - 1)];
        double part = position - below;
        return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
    }
}
