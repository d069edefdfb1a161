package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.List;

/** Numbers with their 95 % intervals on one scale, a line each. */
final class IntervalChart {
    /** Height of a line. */
    private static final double LINE = 30;

    private static final double BOTTOM = 26;

    private final List<Row> rows;
    private final Axis axis;
    private final ChartFrame frame;

    /**
     * @param name at the line's start
     * @param color number of its colour
     * @param estimate with an interval that is known
     */
    record Row(String name, int color, Estimate estimate) {}

    /** @param rows at least one */
    IntervalChart(List<Row> rows) {
        this.rows = List.copyOf(rows);
        this.frame = new ChartFrame(560, LINE * rows.size() + BOTTOM, 150, 20, 0, BOTTOM);
        this.axis = Axis.around(
                rows.stream().mapToDouble(row -> row.estimate().low()).min().orElse(0),
                rows.stream().mapToDouble(row -> row.estimate().high()).max().orElse(1),
                6);
    }

    Markup figure(String caption) {
        return ChartFigure.of(caption, svg(caption));
    }

    ChartFrame frame() {
        return frame;
    }

    /** The chart alone, as large as its {@link #frame}. */
    Markup svg(String label) {
        var svg = frame.open("chart intervals", label);
        for (var tick : axis.ticks()) {
            frame.upright(svg, divides(tick) ? "axis" : "grid", x(tick));
            frame.tick(svg, x(tick), axis.label(tick));
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
        svg.element("text", row.name(), "class", "name", "x", frame.left() - 14, "y", y + 4, "text-anchor", "end")
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
        return frame.x(axis.position(value));
    }
}
