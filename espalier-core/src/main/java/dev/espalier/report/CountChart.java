package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Curves over a few counts, evenly spaced, with 95 % intervals as whiskers. */
final class CountChart {
    private static final ChartFrame FRAME = new ChartFrame(540, 300, 48, 24, 10, 40);
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
                estimates().mapToDouble(Estimate::low).min().orElse(0),
                estimates().mapToDouble(Estimate::high).max().orElse(1),
                5);
    }

    private Stream<Estimate> estimates() {
        return lines.stream().flatMap(line -> line.points.values().stream());
    }

    Markup figure(String caption) {
        return ChartFigure.of(
                caption,
                lines.stream()
                        .map(line -> new ChartFigure.Entry(line.name, line.color))
                        .toList(),
                svg(caption));
    }

    private Markup svg(String label) {
        var svg = FRAME.open("chart", label);
        FRAME.values(svg, y);
        counts.forEach(count -> FRAME.tick(svg, toX(count), Figures.count(count)));
        FRAME.base(svg, counted);
        for (int place = 0; place < lines.size(); place++) {
            line(svg, lines.get(place), (place - (lines.size() - 1) / 2.0) * BESIDE);
        }
        return svg.close("svg");
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
        return FRAME.x((counts.indexOf(count) + 0.5) / counts.size());
    }

    private double toY(double value) {
        return FRAME.y(y.position(value));
    }
}
