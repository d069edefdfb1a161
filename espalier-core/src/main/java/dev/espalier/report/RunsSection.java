package dev.espalier.report;

import dev.espalier.evaluate.Metric;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The table of runs, and their results with intervals on one scale. */
final class RunsSection {
    private static final double WIDTH = 560;
    private static final double LEFT = 150;
    private static final double RIGHT = 20;
    private static final double LINE = 30;
    private static final double BOTTOM = 26;

    private RunsSection() {}

    static Markup of(List<RunHistory> runs) {
        var section = new Markup().open("section").element("h2", "Runs").open("div", "class", "scroll");
        table(section, RunTable.of(runs));
        section.close("div");
        for (var task : RunTable.tasks(runs)) {
            intervals(section, runs, task);
        }
        return section.close("section");
    }

    private static void table(Markup section, TextTable table) {
        section.open("table").open("thead").open("tr");
        table.columns().forEach(column -> section.element("th", column.header(), "class", alignment(column)));
        section.close("tr").close("thead").open("tbody");
        for (int row = 0; row < table.rows().size(); row++) {
            section.open("tr");
            for (int column = 0; column < table.columns().size(); column++) {
                section.open("td", "class", alignment(table.columns().get(column)));
                if (column == 0) {
                    section.add(swatch(row));
                }
                section.text(table.rows().get(row).get(column)).close("td");
            }
            section.close("tr");
        }
        section.close("tbody").close("table");
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
        record Result(int run, String name, double score, double low, double high) {}
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
                        .map(metrics -> new Result(
                                run,
                                runs.get(run).name(),
                                value(metrics, metric),
                                value(metrics, metric + "_low"),
                                value(metrics, metric + "_high"))))
                .toList();
        if (results.size() < 2) {
            return;
        }
        var axis = Axis.around(
                results.stream().mapToDouble(Result::low).min().orElse(0),
                results.stream().mapToDouble(Result::high).max().orElse(1),
                6);
        var height = LINE * results.size() + BOTTOM;
        section.open("figure")
                .element(
                        "figcaption",
                        "Test " + Metric.label(metric) + " on " + task + " with 95 % intervals. "
                                + "Where intervals overlap widely, the difference may be chance.")
                .open("div", "class", "scroll")
                .open(
                        "svg",
                        "class",
                        "chart intervals",
                        "viewBox",
                        "0 0 " + (int) WIDTH + " " + (int) height,
                        "role",
                        "img",
                        "aria-label",
                        "Test results");
        for (var tick : axis.ticks()) {
            var x = x(axis, tick);
            section.empty("line", "class", "grid", "x1", x, "x2", x, "y1", 0, "y2", height - BOTTOM)
                    .element(
                            "text",
                            axis.label(tick),
                            "class",
                            "tick",
                            "x",
                            x,
                            "y",
                            height - 8,
                            "text-anchor",
                            "middle");
        }
        for (int row = 0; row < results.size(); row++) {
            var result = results.get(row);
            var y = LINE * (row + 0.5);
            var color = CurvesSection.color(result.run());
            section.element("text", result.name(), "class", "name", "x", LEFT - 14, "y", y + 4, "text-anchor", "end")
                    .empty(
                            "line",
                            "class",
                            "whisker c" + color,
                            "x1",
                            x(axis, result.low()),
                            "x2",
                            x(axis, result.high()),
                            "y1",
                            y,
                            "y2",
                            y)
                    .open("circle", "class", "mark c" + color, "cx", x(axis, result.score()), "cy", y, "r", 5)
                    .element(
                            "title",
                            result.name() + ": " + Figures.score(result.score()) + ", between "
                                    + Figures.score(result.low()) + " and " + Figures.score(result.high()))
                    .close("circle");
        }
        section.close("svg").close("div").close("figure");
    }

    private static double value(Map<String, Double> metrics, String key) {
        return metrics.getOrDefault(key, Double.NaN);
    }

    private static double x(Axis axis, double value) {
        return LEFT + axis.position(value) * (WIDTH - LEFT - RIGHT);
    }
}
