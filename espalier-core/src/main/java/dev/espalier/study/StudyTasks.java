package dev.espalier.study;

import dev.espalier.data.Example;
import dev.espalier.data.Split;
import dev.espalier.data.Target;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Interval;
import dev.espalier.evaluate.Metric;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/**
 * The tasks of a study by name, and the rows that they are scored on.
 *
 * @param limit rows of each split at most, evenly spread; 0 for all
 */
record StudyTasks(Map<String, TaskData> byName, int limit) {
    static StudyTasks of(List<TaskData> tasks, int limit) {
        Map<String, TaskData> byName = new LinkedHashMap<>();
        tasks.forEach(task -> byName.put(task.name(), task));
        return new StudyTasks(byName, limit);
    }

    private TaskData task(String name) {
        return Objects.requireNonNull(byName.get(name), name);
    }

    /**
     * The rows to score on.
     *
     * @throws InputException if there are none
     */
    List<Example> rows(String name, Split split) {
        var all = split == Split.TEST ? task(name).test() : task(name).validation();
        if (all.isEmpty()) {
            throw new InputException("Task '" + name + "' has no "
                    + (split == Split.TEST
                            ? "test rows to score merges on; give test-fraction, or a file with a test split."
                            : "validation rows to choose lambda by; give validation-fraction."));
        }
        if (limit == 0 || all.size() <= limit) {
            return all;
        }
        return IntStream.range(0, limit)
                .mapToObj(i -> all.get((int) ((long) i * all.size() / limit)))
                .toList();
    }

    /** What a task is judged by: accuracy, or ROUGE-L where a text is written; both from 0 to 1. */
    Metric metric(String name) {
        var task = task(name);
        return switch (task.kind()) {
            case SINGLE_LABEL, CHOICE -> Metric.ACCURACY;
            case CAUSAL_LM ->
                rows(name, Split.TEST).get(0).target() instanceof Target.Choice ? Metric.ACCURACY : Metric.ROUGE_L;
            case MULTI_LABEL, REGRESSION, TOKEN_LABELS ->
                throw new InputException("Task '" + name + "' is of kind "
                        + task.kind().problemType()
                        + ", and merges are scored on tasks that ask for one label, a choice or a text; leave it out.");
        };
    }

    /** What the mean over tasks can be. */
    Interval range() {
        return Metric.rangeOfMean(different());
    }

    private List<Metric> different() {
        return byName.keySet().stream().map(this::metric).distinct().sorted().toList();
    }

    /** The metrics of all tasks, for people. */
    String metrics() {
        var names =
                different().stream().map(metric -> Metric.label(metric.key())).toList();
        return String.join(" or ", names);
    }

    /** Whether any task asks for a text that is written. */
    boolean needGeneration() {
        return byName.keySet().stream().map(this::metric).anyMatch(Metric::needsGeneration);
    }

    /** Every task's kind, labels and test rows, in few words: with others it would be another study. */
    String described() {
        return byName.entrySet().stream()
                .map(task -> task.getKey() + " " + checksum(task.getValue()))
                .collect(Collectors.joining(", "));
    }

    private static String checksum(TaskData task) {
        var sum = new CRC32();
        var text =
                new StringBuilder(task.kind() + " " + task.labels().names() + new TreeMap<>(task.labelDescriptions()));
        task.test().forEach(example -> text.append(example.input()).append(example.target()));
        sum.update(text.toString().getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(sum.getValue());
    }
}
