package dev.espalier.report;

import dev.espalier.evaluate.Metric;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/** The table of runs, and their results with intervals on one scale. */
final class RunsSection {
    private RunsSection() {}

    static Markup of(List<RunHistory> runs) {
        var section = new Markup().open("section").element("h2", "Runs").open("div", "class", "scroll");
        section.add(table(RunTable.of(runs), row -> row));
        section.close("div");
        for (var task : RunTable.tasks(runs)) {
            intervals(section, runs, task);
        }
        return section.close("section");
    }

    /** A table whose rows have no colours. */
    static Markup table(TextTable table) {
        return marked(table, row -> new Markup());
    }

    /** @param color the number of a row's colour */
    static Markup table(TextTable table, IntUnaryOperator color) {
        return marked(table, row -> swatch(color.applyAsInt(row)));
    }

    private static Markup marked(TextTable table, IntFunction<Markup> mark) {
        var markup = new Markup().open("table").open("thead").open("tr");
        table.columns().forEach(column -> markup.element("th", column.header(), "class", alignment(column)));
        markup.close("tr").close("thead").open("tbody");
        for (int row = 0; row < table.rows().size(); row++) {
            markup.open("tr");
            for (int column = 0; column < table.columns().size(); column++) {
                markup.open("td", "class", alignment(table.columns().get(column)));
                if (column == 0) {
                    markup.add(mark.apply(row));
                }
                markup.text(table.rows().get(row).get(column)).close("td");
            }
            markup.close("tr");
        }
        return markup.close("tbody").close("table");
    }

    private static String alignment(TextTable.Column column) {
        return column.numeric() ? "number" : "text";
    }

    /** The colour that stands for a run, or a projection, on the whole page. */
    static Markup swatch(int color) {
        return new Markup()
                .open("span", "class", "swatch b" + CurvesSection.color(color))
                .close("span");
    }

    private static void intervals(Markup section, List<RunHistory> runs, String task) {
        var metric = runs.stream()
                .flatMap(run -> run.test(task).stream())
                .map(test -> RunTable.mainMetric(test.metrics()))
                .findFirst()
                .orElse("");
        var results = IntStream.range(0, runs.size())
                .boxed()
                .flatMap(run -> runs.get(run).test(task).stream()
                        .map(RunHistory.Test::metrics)
                        .filter(metrics ->
                                metrics.keySet().containsAll(List.of(metric, metric + "_low", metric + "_high")))
                        .map(metrics ->
                                new IntervalChart.Row(runs.get(run).name(), run, RunTable.estimate(metrics, metric))))
                .toList();
        if (results.size() >= 2) {
            section.add(new IntervalChart(results)
                    .figure("Test " + Metric.label(metric) + " on " + task + " with 95 % intervals. "
                            + "Where intervals overlap widely, the difference may be chance."));
        }
    }
}
