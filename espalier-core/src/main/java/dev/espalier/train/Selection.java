package dev.espalier.train;

import dev.espalier.data.TaskKind;
import dev.espalier.evaluate.Metric;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Says which of two validations is better: by one metric a task, the mean over tasks. */
final class Selection {
    private final Map<String, Metric> metrics;

    /**
     * @param kinds of the tasks that are validated, by name
     * @param metric one for all of them, or null for each kind's own
     * @throws dev.espalier.error.InputException if a task has no such metric
     */
    Selection(Map<String, TaskKind> kinds, @Nullable String metric) {
        metrics = kinds.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(
                        Map.Entry::getKey,
                        task -> metric == null
                                ? Metric.defaultFor(task.getValue())
                                : Metric.named(metric, task.getValue())));
    }

    /** The mean over tasks, with a minus where lower is better: higher is always better. */
    double score(List<Evaluation> evaluations) {
        return evaluations.stream()
                .mapToDouble(evaluation -> {
                    var metric = metric(evaluation.task());
                    double value = evaluation.value(metric);
                    return metric.higherIsBetter() ? value : -value;
                })
                .average()
                .orElse(Double.NaN);
    }

    /** Whether texts have to be written to choose by the metric. */
    boolean needsGeneration() {
        return metrics.values().stream().anyMatch(Metric::needsGeneration);
    }

    private Metric metric(String task) {
        return Optional.ofNullable(metrics.get(task)).orElseThrow();
    }

    /** Whether {@code score} beats {@code best}; a number beats NaN, NaN beats nothing, equals do not beat. */
    static boolean better(double score, double best) {
        return Metric.ACCURACY.better(score, best);
    }

    /** The score as people know the metric: without the minus, where all tasks have one direction. */
    double shown(double score) {
        return metrics.values().stream().noneMatch(Metric::higherIsBetter) ? -score : score;
    }
}
