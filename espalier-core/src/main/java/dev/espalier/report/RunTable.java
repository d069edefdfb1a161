package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import dev.espalier.evaluate.Metric;
import dev.espalier.report.TextTable.Column;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Runs side by side: method, trained weights, test result with its 95 % interval, time, tokens/s, peak memory. */
public final class RunTable {
    private static final String UNKNOWN = "–";
    private static final Set<String> METRICS = Arrays.stream(Metric.values())
            .filter(metric -> metric != Metric.LOSS)
            .map(Metric::key)
            .collect(Collectors.toUnmodifiableSet());

    private RunTable() {}

    /** A row for each run; a column of results for each task. */
    public static TextTable of(List<RunHistory> runs) {
        var tasks = tasks(runs);
        List<Column> columns = new ArrayList<>();
        columns.add(Column.text("run"));
        columns.add(Column.text("method"));
        columns.add(Column.number("trained weights"));
        columns.add(Column.number("of them adapter"));
        tasks.forEach(task -> columns.add(Column.number(resultHeader(runs, task, tasks.size()))));
        columns.add(Column.number("time"));
        columns.add(Column.number("tokens/s"));
        columns.add(Column.number("peak memory"));
        var table = new TextTable(columns);
        for (var run : runs) {
            List<String> cells = new ArrayList<>();
            var summary = run.summary();
            cells.add(run.name());
            cells.add(summary.map(RunHistory.Summary::method).orElse("not finished"));
            cells.add(summary.map(s -> Figures.count(s.trainedWeights())).orElse(UNKNOWN));
            cells.add(summary.map(s -> Figures.count(s.trainedWeightsAdapter())).orElse(UNKNOWN));
            tasks.forEach(task ->
                    cells.add(run.test(task).map(test -> result(test.metrics())).orElse(UNKNOWN)));
            cells.add(summary.map(s -> Figures.duration(s.seconds())).orElse(UNKNOWN));
            cells.add(summary.map(s -> Figures.count(Math.round(s.tokensPerSecond())))
                    .orElse(UNKNOWN));
            cells.add(summary.map(s -> Figures.megabytes(s.peakMemoryMb())).orElse(UNKNOWN));
            table.row(cells);
        }
        return table;
    }

    /** The tasks of all runs, in the order they first appear. */
    static Set<String> tasks(List<RunHistory> runs) {
        Set<String> tasks = new LinkedHashSet<>();
        runs.forEach(run -> tasks.addAll(run.tasks()));
        return tasks;
    }

    /** The first metric that is not the loss: runs write the most telling one first. */
    static String mainMetric(Map<String, Double> metrics) {
        return metrics.keySet().stream().filter(METRICS::contains).findFirst().orElse(Metric.LOSS.key());
    }

    private static String resultHeader(List<RunHistory> runs, String task, int tasks) {
        var tests = runs.stream().flatMap(run -> run.test(task).stream()).toList();
        var metric = tests.stream()
                .map(test -> Metric.label(mainMetric(test.metrics())))
                .findFirst()
                .orElse("result");
        boolean intervals = tests.stream()
                .map(RunHistory.Test::metrics)
                .anyMatch(metrics -> metrics.containsKey(mainMetric(metrics) + "_low"));
        return (tasks == 1 ? "test " : task + " ") + metric + (intervals ? " [95 %]" : "");
    }

    /** A metric of a test with its interval; from −∞ to ∞ where the test does not say it. */
    static Estimate estimate(Map<String, Double> metrics, String key) {
        return new Estimate(
                metrics.getOrDefault(key, Double.NaN),
                new Interval(
                        metrics.getOrDefault(key + "_low", Double.NEGATIVE_INFINITY),
                        metrics.getOrDefault(key + "_high", Double.POSITIVE_INFINITY)));
    }

    private static String result(Map<String, Double> metrics) {
        var key = mainMetric(metrics);
        return Figures.score(estimate(metrics, key));
    }
}
