package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.evaluate.Estimate;
import dev.espalier.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A comparison for programs and documents. {@code comparison.json} has everything, each run with its seed;
 * {@code comparison.csv} a row for each method; {@code comparison.svg} draws the results. What is not known is left out,
 * in CSV empty.
 */
public final class ComparisonFiles {
    /** The whole comparison. */
    public static final String JSON = "comparison.json";

    /** A row for each method. */
    public static final String CSV = "comparison.csv";

    /** Results against trained weights, and with intervals. */
    public static final String SVG = "comparison.svg";

    private ComparisonFiles() {}

    /** Writes them into {@code folder}; older ones are replaced whole. */
    public static void write(Path folder, Comparison comparison) {
        AtomicFiles.writeString(folder.resolve(JSON), Json.pretty(json(comparison)));
        AtomicFiles.writeString(folder.resolve(CSV), csv(comparison));
        ComparisonReport.drawing(comparison)
                .ifPresent(drawing -> AtomicFiles.writeString(folder.resolve(SVG), drawing));
    }

    private static Map<String, Object> json(Comparison comparison) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("metric", comparison.metric());
        json.put("higher_is_better", comparison.higherIsBetter());
        Map<String, String> tasks = new LinkedHashMap<>();
        comparison.metrics().forEach((task, metric) -> tasks.put(task, metric.key()));
        json.put("tasks", tasks);
        json.put("seeds", comparison.seeds());
        json.put("baseline", comparison.baseline().name());
        comparison.memoryLimitMb().ifPresent(limit -> json.put("memory_limit_mb", limit));
        json.put(
                "methods",
                comparison.contenders().stream()
                        .map(contender -> method(comparison, contender))
                        .toList());
        return json;
    }

    private static Map<String, Object> method(Comparison comparison, Contender contender) {
        var method = values(comparison, contender);
        if (comparison.metrics().size() > 1) {
            Map<String, Object> tasks = new LinkedHashMap<>();
            comparison.metrics().keySet().forEach(task -> {
                Map<String, Object> result = new LinkedHashMap<>();
                put(result, "", Optional.of(comparison.score(contender, task)));
                tasks.put(task, result);
            });
            method.put("tasks", tasks);
        }
        method.put(
                "runs",
                contender.runs().stream().map(run -> run(comparison, run)).toList());
        return method;
    }

    private static Map<String, Object> run(Comparison comparison, Contender.Run run) {
        var summary = run.summary();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("run", run.history().name());
        json.put("seed", run.seed());
        putKnown(json, "score", comparison.score(run));
        Map<String, Object> tasks = new LinkedHashMap<>();
        comparison.metrics().keySet().forEach(task -> putKnown(tasks, task, comparison.score(run, task)));
        json.put("tasks", tasks);
        json.put("trained_weights", summary.trainedWeights());
        json.put("trained_weights_adapter", summary.trainedWeightsAdapter());
        json.put("steps", summary.steps());
        json.put("best_step", summary.bestStep());
        json.put("seconds", summary.seconds());
        json.put("train_seconds", summary.trainSeconds());
        run.averageMemoryMb().ifPresent(average -> json.put("average_memory_mb", average));
        json.put("peak_memory_mb", summary.peakMemoryMb());
        if (comparison.memoryLimitMb().isPresent()) {
            json.put("over_memory", comparison.isOverMemory(run));
        }
        json.put("file_size", run.fileSize());
        return json;
    }

    /** What is one number or text of a method: the columns of CSV too. */
    private static Map<String, Object> values(Comparison comparison, Contender contender) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("name", contender.name());
        values.put("method", contender.method());
        contender.rank().ifPresent(rank -> values.put("rank", rank));
        values.put("trained_weights", contender.trainedWeights());
        values.put("trained_weights_adapter", contender.trainedWeightsAdapter());
        put(values, "", Optional.of(comparison.score(contender)));
        put(values, "difference_", comparison.difference(contender));
        values.put("seconds", contender.seconds());
        values.put("peak_memory_mb", contender.peakMemoryMb());
        values.put("file_size", contender.fileSize());
        return values;
    }

    private static void put(Map<String, Object> values, String prefix, Optional<Estimate> estimate) {
        estimate.ifPresent(known -> {
            putKnown(values, prefix + "mean", known.value());
            putKnown(values, prefix + "low", known.interval().low());
            putKnown(values, prefix + "high", known.interval().high());
        });
    }

    private static void putKnown(Map<String, Object> values, String key, double value) {
        if (Double.isFinite(value)) {
            values.put(key, value);
        }
    }

    private static String csv(Comparison comparison) {
        var columns = List.of(
                "name",
                "method",
                "rank",
                "trained_weights",
                "trained_weights_adapter",
                "mean",
                "low",
                "high",
                "difference_mean",
                "difference_low",
                "difference_high",
                "seconds",
                "peak_memory_mb",
                "file_size");
        List<String> lines = new ArrayList<>();
        lines.add(String.join(",", columns));
        for (var contender : comparison.contenders()) {
            var values = values(comparison, contender);
            lines.add(columns.stream()
                    .map(column -> CsvLines.quoted(String.valueOf(values.getOrDefault(column, ""))))
                    .collect(Collectors.joining(",")));
        }
        return String.join("\n", lines) + "\n";
    }
}
