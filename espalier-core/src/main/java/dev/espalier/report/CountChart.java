package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Curves over a few counts, evenly spaced, with 95 % intervals as whiskers. */
final class CountChart {
    private static final double WIDTH = 540;
    private static final double HEIGHT = 300;
    private static final double LEFT = 48;
    private static final double RIGHT = 24;
    private static final double TOP = 10;
    private static final double BOTTOM = 40;
    /** Whiskers of curves side by side. */
    private static final double BESIDE = 5;

    private final String counted;
    private final List<Line> lines;
    private final List<Integer> counts;
    private final Axis y;

    /**
     * @param color number of its colour
     * @param points by count
     */
    record Line(String name, int color, boolean dashed, Map<Integer, Estimate> points) {
        Line {
            points = new TreeMap<>(points);
        }
    }

    /**
     * @param counted what the counts are of
     * @param lines at least one of them with a point
     */
    CountChart(String counted, List<Line> lines) {
        this.counted = counted;
        this.lines = List.copyOf(lines);
        counts = lines.stream()
                .flatMap(line -> line.points.keySet().stream())
                .distinct()
                .sorted()
                .toList();
        y = Axis.around(
                estimates().stream()
                        .mapToDouble(estimate ->
                                estimate.isBounded() ? estimate.interval().low() : estimate.value())
                        .min()
                        .orElse(0),
                estimates().stream()
                        .mapToDouble(estimate ->
                                estimate.isBounded() ? estimate.interval().high() : estimate.value())
                        .max()
                        .orElse(1),
                5);
    }

    private Collection<Estimate> estimates() {
        return lines.stream().flatMap(line -> line.points.values().stream()).toList();
    }

    Markup figure(String caption) {
        var figure = new Markup().open("figure").element("figcaption", caption).open("ul", "class", "legend");
        lines.forEach(line -> figure.open("li")
                .add(RunsSection.swatch(line.color))
                .text(line.name)
                .close("li"));
        return figure.close("ul")
                .open("div", "class", "scroll")
                .add(svg(caption))
                .close("div")
                .close("figure");
    }

    private Markup svg(String label) {
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
        axes(svg);
        for (int place = 0; place < lines.size(); place++) {
            line(svg, lines.get(place), (place - (lines.size() - 1) / 2.0) * BESIDE);
        }
        return svg.close("svg");
    }

    private void axes(Markup svg) {
        for (var tick : y.ticks()) {
            svg.empty("line", "class", "grid", "x1", LEFT, "x2", WIDTH - RIGHT, "y1", toY(tick), "y2", toY(tick))
                    .element(
                            "text",
                            y.label(tick),
                            "class",
                            "tick",
                            "x",
                            LEFT - 8,
                            "y",
                            toY(tick) + 4,
                            "text-anchor",
                            "end");
        }
        for (var count : counts) {
            svg.element(
                    "text",
                    Figures.count(count),
                    "class",
                    "tick",
                    "x",
                    toX(count),
                    "y",
                    HEIGHT - BOTTOM + 18,
                    "text-anchor",
                    "middle");
        }
        double floor = HEIGHT - BOTTOM;
        svg.empty("line", "class", "axis", "x1", LEFT, "x2", WIDTH - RIGHT, "y1", floor, "y2", floor)
                .element("text", counted, "class", "tick", "x", WIDTH - RIGHT, "y", HEIGHT - 5, "text-anchor", "end");
    }

    private void line(Markup svg, Line line, double beside) {
        var color = " c" + CurvesSection.color(line.color);
        svg.empty(
                "polyline",
                "class",
                "curve " + (line.dashed ? "dashed" : "line") + color,
                "points",
                line.points.entrySet().stream()
                        .map(point -> Markup.number(toX(point.getKey()) + beside) + ","
                                + Markup.number(toY(point.getValue().value())))
                        .collect(Collectors.joining(" ")));
        line.points.forEach((count, estimate) -> {
            double x = toX(count) + beside;
            if (estimate.isBounded()) {
                svg.empty(
                        "line",
                        "class",
                        "whisker" + color,
                        "x1",
                        x,
                        "x2",
                        x,
                        "y1",
                        toY(estimate.interval().low()),
                        "y2",
                        toY(estimate.interval().high()));
            }
            svg.open("circle", "class", "mark" + color, "cx", x, "cy", toY(estimate.value()), "r", 3.5)
                    .element("title", line.name + ", " + count + ": " + Figures.score(estimate))
                    .close("circle");
        });
    }

    private double toX(int count) {
        double share = (counts.indexOf(count) + 0.5) / counts.size();
        return LEFT + share * (WIDTH - LEFT - RIGHT);
    }

    private double toY(double value) {
        return HEIGHT - BOTTOM - y.position(value) * (HEIGHT - TOP - BOTTOM);
    }
}
