package dev.espalier.report;

import dev.espalier.evaluate.Metric;
import dev.espalier.report.TextTable.Column;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** A row for each method: settings, trained weights, results, difference to the baseline, cost. */
public final class ComparisonTable {
    private ComparisonTable() {}

    /** The table, in the order of the contenders. */
    public static TextTable of(Comparison comparison) {
        var tasks = comparison.metrics().keySet();
        boolean severalTasks = tasks.size() > 1;
        List<Column> columns = new ArrayList<>();
        columns.add(Column.text("recipe"));
        columns.add(Column.text("method"));
        columns.add(Column.number("rank"));
        columns.add(Column.number("trained weights"));
        columns.add(Column.number("of them adapter"));
        if (severalTasks) {
            comparison
                    .metrics()
                    .forEach((task, metric) -> columns.add(Column.number(task + " " + Metric.label(metric.key()))));
        }
        columns.add(Column.number((severalTasks ? "mean" : "test " + Metric.label(comparison.metric())) + " [95 %]"));
        columns.add(Column.number("difference to " + comparison.baseline().name() + " [95 %]"));
        columns.add(Column.number("time"));
        columns.add(Column.number("peak memory"));
        columns.add(Column.number("file"));
        var table = new TextTable(columns);
        for (var contender : comparison.contenders()) {
            List<String> cells = new ArrayList<>();
            cells.add(contender.name());
            cells.add(contender.method());
            cells.add(contender.rank().stream()
                    .mapToObj(Integer::toString)
                    .findFirst()
                    .orElse("–"));
            cells.add(Figures.count(contender.trainedWeights()));
            cells.add(Figures.count(contender.trainedWeightsAdapter()));
            if (severalTasks) {
                tasks.forEach(task -> cells.add(
                        Figures.score(comparison.score(contender, task).value())));
            }
            cells.add(Figures.score(comparison.score(contender)));
            cells.add(comparison.difference(contender).map(Figures::difference).orElse("–"));
            cells.add(Figures.duration(contender.seconds()));
            cells.add(memory(comparison, contender));
            cells.add(Figures.fileSize(contender.fileSize()));
            table.row(cells);
        }
        return table;
    }

    /** A row for each run. */
    static TextTable runs(Comparison comparison) {
        var table = new TextTable(List.of(
                Column.text("run"),
                Column.number("seed"),
                Column.number(Metric.label(comparison.metric())),
                Column.number("best step"),
                Column.number("time"),
                Column.number("tokens/s"),
                Column.number("average memory"),
                Column.number("peak memory")));
        for (var contender : comparison.contenders()) {
            for (var run : contender.runs()) {
                var summary = run.summary();
                table.row(
                        run.history().name(),
                        Long.toString(run.seed()),
                        Figures.score(comparison.score(run)),
                        Figures.count(summary.bestStep()),
                        Figures.duration(summary.seconds()),
                        Figures.count(Math.round(summary.tokensPerSecond())),
                        Figures.megabytes(run.averageMemoryMb().orElse(Double.NaN)),
                        mark(comparison.isOverMemory(run)) + Figures.megabytes(summary.peakMemoryMb()));
            }
        }
        return table;
    }

    /** The contender of each row of {@link #runs}, by its number. */
    static int[] contenders(Comparison comparison) {
        return IntStream.range(0, comparison.contenders().size())
                .flatMap(contender ->
                        comparison.contenders().get(contender).runs().stream().mapToInt(run -> contender))
                .toArray();
    }

    private static String memory(Comparison comparison, Contender contender) {
        boolean over = contender.runs().stream().anyMatch(comparison::isOverMemory);
        return mark(over) + Figures.megabytes(contender.peakMemoryMb());
    }

    private static String mark(boolean over) {
        return over ? "> " : "";
    }
}
