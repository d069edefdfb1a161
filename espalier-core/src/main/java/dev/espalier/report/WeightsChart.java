package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.ArrayList;
import java.util.List;

/** Results with their 95 % intervals against the number of trained weights, on a logarithmic scale. */
final class WeightsChart {
    static final ChartFrame FRAME = new ChartFrame(540, 290, 48, 24, 10, 46);
    /** Points nearer to each other than this are drawn side by side. */
    private static final double APART = 9;

    private final List<Dot> dots;
    private final List<Double> places;
    private final LogAxis x;
    private final Axis y;

    /**
     * @param color number of its colour
     * @param weights above 0
     */
    record Dot(String name, int color, long weights, Estimate score) {}

    /** @param dots at least one, each with a score that is a number */
    WeightsChart(List<Dot> dots) {
        this.dots = List.copyOf(dots);
        this.x = LogAxis.around(
                dots.stream().mapToLong(Dot::weights).min().orElse(1),
                dots.stream().mapToLong(Dot::weights).max().orElse(1));
        this.y = Axis.around(
                dots.stream().mapToDouble(dot -> dot.score().low()).min().orElse(0),
                dots.stream().mapToDouble(dot -> dot.score().high()).max().orElse(1),
                5);
        this.places = places();
    }

    /** Where the dots stand: by their weights, moved apart where the intervals would hide each other. */
    private List<Double> places() {
        var order = dots.stream()
                .sorted((a, b) -> Long.compare(a.weights(), b.weights()))
                .toList();
        List<Double> sorted = new ArrayList<>();
        for (int from = 0; from < order.size(); ) {
            int to = from + 1;
            while (to < order.size() && toX(order.get(to)) - toX(order.get(to - 1)) < APART) {
                to++;
            }
            var middle = (toX(order.get(from)) + toX(order.get(to - 1))) / 2;
            for (int i = from; i < to; i++) {
                sorted.add(to - from == 1 ? middle : middle + (i - (from + to - 1) / 2.0) * APART);
            }
            from = to;
        }
        return dots.stream().map(dot -> sorted.get(order.indexOf(dot))).toList();
    }

    Markup figure(String caption) {
        return ChartFigure.of(caption, legend(), svg(caption));
    }

    List<ChartFigure.Entry> legend() {
        return dots.stream()
                .map(dot -> new ChartFigure.Entry(dot.name(), dot.color()))
                .toList();
    }

    /** The chart alone, as large as {@link #FRAME}. */
    Markup svg(String label) {
        var svg = FRAME.open("chart", label);
        FRAME.values(svg, y);
        for (var tick : x.ticks()) {
            FRAME.upright(svg, "grid", toX(tick));
            FRAME.tick(svg, toX(tick), x.label(tick));
        }
        FRAME.base(svg, "trained weights");
        for (int i = 0; i < dots.size(); i++) {
            dot(svg, dots.get(i), places.get(i));
        }
        return svg.close("svg");
    }

    private void dot(Markup svg, Dot dot, double at) {
        var color = " c" + CurvesSection.color(dot.color());
        svg.empty(
                "line",
                "class",
                "whisker" + color,
                "x1",
                at,
                "x2",
                at,
                "y1",
                toY(dot.score().low()),
                "y2",
                toY(dot.score().high()));
        svg.open(
                        "circle",
                        "class",
                        "mark" + color,
                        "cx",
                        at,
                        "cy",
                        toY(dot.score().value()),
                        "r",
                        5)
                .element(
                        "title",
                        dot.name() + ": " + Figures.score(dot.score()) + " with " + Figures.count(dot.weights())
                                + " trained weights")
                .close("circle");
    }

    private double toX(Dot dot) {
        return toX(dot.weights());
    }

    private double toX(double weights) {
        return FRAME.x(x.position(weights));
    }

    private double toY(double value) {
        return FRAME.y(y.position(value));
    }
}
