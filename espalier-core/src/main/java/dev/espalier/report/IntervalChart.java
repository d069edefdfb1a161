package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.List;

/** Numbers with their 95 % intervals on one scale, a line each. */
final class IntervalChart {
    static final double WIDTH = 560;
    private static final double LEFT = 150;
    private static final double RIGHT = 20;
    private static final double LINE = 30;
    private static final double BOTTOM = 26;

    private final List<Row> rows;
    private final Axis axis;

    /**
     * @param name at the line's start
     * @param color number of its colour
     * @param estimate with an interval that is known
     */
    record Row(String name, int color, Estimate estimate) {}

    /** @param rows at least one */
    IntervalChart(List<Row> rows) {
        this.rows = List.copyOf(rows);
        this.axis = Axis.around(
                rows.stream()
                        .mapToDouble(row -> row.estimate().interval().low())
                        .min()
                        .orElse(0),
                rows.stream()
                        .mapToDouble(row -> row.estimate().interval().high())
                        .max()
                        .orElse(1),
                6);
    }

    Markup figure(String caption) {
        return new Markup()
                .open("figure")
                .element("figcaption", caption)
                .open("div", "class", "scroll")
                .add(svg(caption))
                .close("div")
                .close("figure");
    }

    /** How high the chart is. */
    double height() {
        return LINE * rows.size() + BOTTOM;
    }

    /** The chart alone, of {@link #WIDTH} by {@link #height}. */
    Markup svg(String label) {
        var height = height();
        var svg = new Markup()
                .open(
                        "svg",
                        "class",
                        "chart intervals",
                        "viewBox",
                        "0 0 " + (int) WIDTH + " " + (int) height,
                        "role",
                        "img",
                        "aria-label",
                        label);
        for (var tick : axis.ticks()) {
            var x = x(tick);
            svg.empty(
                            "line",
                            "class",
                            divides(tick) ? "axis" : "grid",
                            "x1",
                            x,
                            "x2",
                            x,
                            "y1",
                            0,
                            "y2",
                            height - BOTTOM)
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
        for (int line = 0; line < rows.size(); line++) {
            row(svg, rows.get(line), LINE * (line + 0.5));
        }
        return svg.close("svg");
    }

    /** Whether this is 0 amid the axis, where signs change. */
    private boolean divides(double tick) {
        return tick == 0 && axis.low() < 0;
    }

    private void row(Markup svg, Row row, double y) {
        var estimate = row.estimate();
        var interval = estimate.interval();
        var color = CurvesSection.color(row.color());
        svg.element("text", row.name(), "class", "name", "x", LEFT - 14, "y", y + 4, "text-anchor", "end")
                .empty(
                        "line",
                        "class",
                        "whisker c" + color,
                        "x1",
                        x(interval.low()),
                        "x2",
                        x(interval.high()),
                        "y1",
                        y,
                        "y2",
                        y)
                .open("circle", "class", "mark c" + color, "cx", x(estimate.value()), "cy", y, "r", 5)
                .element(
                        "title",
                        row.name() + ": " + Figures.score(estimate.value()) + ", between "
                                + Figures.score(interval.low()) + " and " + Figures.score(interval.high()))
                .close("circle");
    }

    private double x(double value) {
        return LEFT + axis.position(value) * (WIDTH - LEFT - RIGHT);
    }
}
