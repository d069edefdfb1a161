package dev.espalier.cli;

import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Says by what the tasks of a comparison are judged. */
final class ComparedTasks {
    private ComparedTasks() {}

    /**
     * Each task's metric: its kind's own, or what the recipes choose their checkpoints by.
     *
     * @param recipes with the same metric
     * @throws InputException if a task has no test rows, or there is no sense in the mean over tasks
     */
    static Map<String, Metric> metrics(List<TaskData> tasks, List<ComparedRecipe> recipes) {
        var chosen = Optional.ofNullable(recipes.get(0).recipe().options().metric());
        Map<String, Metric> metrics = new LinkedHashMap<>();
        for (var task : tasks) {
            if (task.test().isEmpty()) {
                throw new InputException("Task '" + task.name()
                        + "' has no test rows to compare by; give test-fraction, or a file with a test split.");
            }
            metrics.put(
                    task.name(),
                    chosen.map(name -> Metric.named(name, task.kind()))
                            .orElseGet(() -> Metric.defaultFor(task.kind())));
        }
        requireOneDirection(metrics);
        metrics.values().stream().filter(Metric::needsGeneration).findFirst().ifPresent(metric -> recipes.stream()
                .filter(recipe -> recipe.recipe().options().generateTokens() == 0)
                .findFirst()
                .ifPresent(recipe -> {
                    throw new InputException(
                            recipe.file() + ": the metric " + metric.key()
                                    + " compares texts that are written; set training.generate-tokens to how long they may be.");
                }));
        return metrics;
    }

    private static void requireOneDirection(Map<String, Metric> metrics) {
        var byDirection = new LinkedHashMap<Boolean, String>();
        metrics.forEach((task, metric) ->
                byDirection.putIfAbsent(metric.higherIsBetter(), "'" + task + "' by " + metric.key()));
        if (byDirection.size() > 1) {
            throw new InputException("Task " + byDirection.get(true) + " is better the higher and "
                    + byDirection.get(false) + " the lower, so their mean says nothing; compare them apart, or set"
                    + " training.metric to one that all tasks have, such as loss.");
        }
    }
}
