package dev.espalier.report;

import dev.espalier.evaluate.Metric;
import dev.espalier.report.Series.Look;
import dev.espalier.report.Series.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Loss and validation curves of all runs. */
final class CurvesSection {
    /** Colours in the style sheet; further runs begin anew. */
    private static final int COLORS = 8;

    private CurvesSection() {}

    static int color(int run) {
        return run % COLORS;
    }

    static Markup of(List<RunHistory> runs) {
        var tasks = RunTable.tasks(runs);
        // Stages of several runs would be too many lines.
        var stages = runs.size() == 1 ? runs.get(0).stages() : List.<RunHistory.Stage>of();
        var section = new Markup().open("section").element("h2", "Curves").open("div", "class", "pair");
        section.add(figure(
                "loss",
                tasks.size() == 1
                        ? "Loss: training, smoothed over raw values; dashed: validation"
                        : "Training loss, smoothed over raw values",
                losses(runs, tasks.size() == 1),
                stages));
        for (var task : tasks) {
            mainMetric(runs, task)
                    .ifPresent(metric -> section.add(figure(
                            "validation-" + section.toString().length(),
                            "Validation " + Metric.label(metric) + (tasks.size() == 1 ? "" : ": " + task),
                            validations(runs, task, metric),
                            stages)));
        }
        return section.close("div").close("section");
    }

    /** A titled chart with its legend; nothing where there is nothing to draw. */
    static Markup figure(String id, String title, List<Series> series) {
        return figure(id, title, series, List.of());
    }

    /** The same with marks where stages begin. */
    private static Markup figure(String id, String title, List<Series> series, List<RunHistory.Stage> stages) {
        if (!LineChart.drawable(series)) {
            return new Markup();
        }
        var legend = series.stream()
                .filter(s -> s.look() == Look.LINE || s.look() == Look.MARKED)
                .map(s -> new ChartFigure.Entry(s.name(), s.color()))
                .toList();
        return ChartFigure.of(title, legend, new LineChart(id, series, stages).svg(title));
    }

    private static List<Series> losses(List<RunHistory> runs, boolean withValidation) {
        List<Series> series = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            var run = runs.get(i);
            var raw = new Series(
                    run.name(),
                    color(i),
                    Look.FAINT,
                    points(run.train(), RunHistory.Train::step, RunHistory.Train::loss));
            series.add(raw);
            series.add(raw.smoothed());
            if (withValidation) {
                series.add(new Series(
                        run.name(),
                        color(i),
                        Look.DASHED,
                        points(run.validations(), RunHistory.Validation::step, v -> metric(v, "loss"))));
            }
        }
        return series;
    }

    private static List<Series> validations(List<RunHistory> runs, String task, String metric) {
        List<Series> series = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            var ofTask = runs.get(i).validations().stream()
                    .filter(validation -> validation.task().equals(task))
                    .toList();
            series.add(new Series(
                    runs.get(i).name(),
                    color(i),
                    Look.MARKED,
                    points(ofTask, RunHistory.Validation::step, v -> metric(v, metric))));
        }
        return series;
    }

    private static Optional<String> mainMetric(List<RunHistory> runs, String task) {
        return runs.stream()
                .flatMap(run -> run.validations().stream())
                .filter(validation -> validation.task().equals(task))
                .map(validation -> RunTable.mainMetric(validation.metrics()))
                .findFirst();
    }

    private static double metric(RunHistory.Validation validation, String key) {
        return validation.metrics().getOrDefault(key, Double.NaN);
    }

    static <T> List<Point> points(List<T> values, ToDoubleFunction<T> x, ToDoubleFunction<T> y) {
        return values.stream()
                .map(value -> new Point(x.applyAsDouble(value), y.applyAsDouble(value)))
                .toList();
    }
}
