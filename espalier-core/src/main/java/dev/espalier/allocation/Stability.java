package dev.espalier.allocation;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * How alike the matrices are that a rule chooses by two measurements of a task, each task by itself.
 *
 * @param chosen matrices chosen by the whole measurement
 * @param common those of them that the other measurement chooses too
 * @param either matrices that at least one of the two chooses
 */
public record Stability(int chosen, int common, int either) {
    /**
     * By task: what {@code rule} chooses by the sensitivities of {@code matrices}, and by {@code other}; without tasks that
     * {@code other} does not have.
     */
    public static Map<String, Stability> of(AllocationRule rule, Matrices matrices, Sensitivities other) {
        Map<String, Stability> byTask = new LinkedHashMap<>();
        for (var task : matrices.sensitivities().tasks().keySet()) {
            if (!other.tasks().containsKey(task)) {
                continue;
            }
            var whole = chosen(rule, matrices, matrices.sensitivities().only(task));
            var part = chosen(rule, matrices, other.only(task));
            var common = new HashSet<>(whole);
            common.retainAll(part);
            byTask.put(task, new Stability(whole.size(), common.size(), whole.size() + part.size() - common.size()));
        }
        return byTask;
    }

    private static Set<String> chosen(AllocationRule rule, Matrices matrices, Sensitivities ofTask) {
        return new HashSet<>(rule.allocate(matrices.with(ofTask)).chosen());
    }

    /** The share of the chosen matrices that is common, 1 where none is chosen. */
    public double overlap() {
        return chosen == 0 ? 1 : common / (double) chosen;
    }

    /** The Jaccard index: common ones as a share of those that either chooses, 1 where none is chosen. */
    public double jaccard() {
        return either == 0 ? 1 : common / (double) either;
    }
}
