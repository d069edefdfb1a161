package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.ArrayList;
import java.util.List;

/** Results with their 95 % intervals against the number of trained weights, on a logarithmic scale. */
final class WeightsChart {
    static final double WIDTH = 540;
    static final double HEIGHT = 290;
    private static final double LEFT = 48;
    private static final double RIGHT = 24;
    private static final double TOP = 10;
    private static final double BOTTOM = 46;
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
                dots.stream().mapToDouble(WeightsChart::low).min().orElse(0),
                dots.stream().mapToDouble(WeightsChart::high).max().orElse(1),
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
        var figure = new Markup().open("figure").element("figcaption", caption).open("ul", "class", "legend");
        dots.forEach(dot -> figure.open("li")
                .add(RunsSection.swatch(dot.color()))
                .text(dot.name())
                .close("li"));
        return figure.close("ul")
                .open("div", "class", "scroll")
                .add(svg(caption))
                .close("div")
                .close("figure");
    }

    /** The chart alone, of {@link #WIDTH} by {@link #HEIGHT}. */
    Markup svg(String label) {
        var svg = new Markup()
                .open(
                        "svg",
                        "class",
                        "chart",
                        "viewBox",
                        "0 0 " + (int) WIDTH + " " + (int) HEIGHT,
                        "role",
                        "img",
                        "aria-label",
                        label);
        for (var tick : y.ticks()) {
            svg.empty("line", "class", "grid", "x1", LEFT, "x2", WIDTH - RIGHT, "y1", toY(tick), "y2", toY(tick));
            svg.element(
                    "text", y.label(tick), "class", "tick", "x", LEFT - 8, "y", toY(tick) + 4, "text-anchor", "end");
        }
        for (var tick : x.ticks()) {
            var at = toX(tick);
            svg.empty("line", "class", "grid", "x1", at, "x2", at, "y1", TOP, "y2", HEIGHT - BOTTOM);
            svg.element(
                    "text",
                    x.label(tick),
                    "class",
                    "tick",
                    "x",
                    at,
                    "y",
                    HEIGHT - BOTTOM + 18,
                    "text-anchor",
                    "middle");
        }
        svg.empty(
                "line", "class", "axis", "x1", LEFT, "x2", WIDTH - RIGHT, "y1", HEIGHT - BOTTOM, "y2", HEIGHT - BOTTOM);
        svg.element(
                "text", "trained weights", "class", "tick", "x", WIDTH - RIGHT, "y", HEIGHT - 6, "text-anchor", "end");
        for (int i = 0; i < dots.size(); i++) {
            dot(svg, dots.get(i), places.get(i));
        }
        return svg.close("svg");
    }

    private void dot(Markup svg, Dot dot, double at) {
        var color = " c" + CurvesSection.color(dot.color());
        svg.empty("line", "class", "whisker" + color, "x1", at, "x2", at, "y1", toY(low(dot)), "y2", toY(high(dot)));
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

    private static double low(Dot dot) {
        return dot.score().isBounded()
                ? dot.score().interval().low()
                : dot.score().value();
    }

    private static double high(Dot dot) {
        return dot.score().isBounded()
                ? dot.score().interval().high()
                : dot.score().value();
    }

    private double toX(Dot dot) {
        return toX(dot.weights());
    }

    private double toX(double weights) {
        return LEFT + x.position(weights) * (WIDTH - LEFT - RIGHT);
    }

    private double toY(double value) {
        return HEIGHT - BOTTOM - y.position(value) * (HEIGHT - TOP - BOTTOM);
    }
}
