package dev.espalier.report;

import dev.espalier.report.Series.Look;
import dev.espalier.report.Series.Point;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Curves over training steps as SVG. */
final class LineChart {
    private static final ChartFrame FRAME = new ChartFrame(540, 290, 48, 14, 10, 36);
    /** What a line may stand out beyond the plot. */
    private static final double EDGE = 2;
    /** Share of raw values at either end that may lie outside. */
    private static final double OUTSIDE = 0.02;

    private final String id;
    private final List<Series> series;
    private final List<RunHistory.Stage> stages;
    private final Axis x;
    private final Axis y;

    /**
     * @param id unique on the page
     * @param series at least one of them with a point
     * @param stages that are marked where they begin
     */
    LineChart(String id, List<Series> series, List<RunHistory.Stage> stages) {
        this.id = id;
        this.stages = List.copyOf(stages);
        this.series = series.stream().map(Series::thinned).toList();
        var steps = series.stream().flatMap(s -> s.points().stream()).mapToDouble(Point::x);
        this.x = Axis.upTo(steps.max().orElse(1), 6);
        this.y = Axis.around(lowest(), highest(), 5);
    }

    /** Whether there is anything to draw. */
    static boolean drawable(List<Series> series) {
        return series.stream().anyMatch(s -> !s.points().isEmpty());
    }

    private double lowest() {
        return series.stream()
                .filter(s -> !s.points().isEmpty())
                .mapToDouble(s -> quantile(s, OUTSIDE))
                .min()
                .orElse(0);
    }

    private double highest() {
        return series.stream()
                .filter(s -> !s.points().isEmpty())
                .mapToDouble(s -> quantile(s, 1 - OUTSIDE))
                .max()
                .orElse(1);
    }

    /** The value at this share of the sorted raw values; of other curves the very ends. */
    private static double quantile(Series series, double share) {
        var sorted = series.points().stream().map(Point::y).sorted().toList();
        var exact = series.look() == Look.FAINT ? share : Math.rint(share);
        return sorted.get((int) Math.round(exact * (sorted.size() - 1)));
    }

    Markup svg(String label) {
        var svg = FRAME.open("chart", label);
        double left = FRAME.x(0);
        double top = FRAME.y(1);
        svg.open("clipPath", "id", id)
                .empty(
                        "rect",
                        "x",
                        left,
                        "y",
                        top - EDGE,
                        "width",
                        FRAME.x(1) - left + EDGE,
                        "height",
                        FRAME.y(0) - top + 2 * EDGE)
                .close("clipPath");
        FRAME.values(svg, y);
        x.ticks().forEach(tick -> FRAME.tick(svg, toX(tick), x.label(tick)));
        FRAME.base(svg, "step");
        stages.forEach(stage -> begin(svg, stage));
        svg.open("g", "clip-path", "url(#" + id + ")");
        series.stream().sorted(Comparator.comparing(Series::look).reversed()).forEach(s -> curve(svg, s));
        return svg.close("g").close("svg");
    }

    private void begin(Markup svg, RunHistory.Stage stage) {
        double at = toX(stage.step());
        FRAME.upright(svg, "stage", at);
        svg.open("text", "class", "tick", "x", at + 4, "y", FRAME.top() + 10)
                .element("title", stage.name() + " from step " + Figures.count(stage.step()))
                .text(stage.name())
                .close("text");
    }

    private void curve(Markup svg, Series s) {
        svg.empty(
                "polyline",
                "class",
                "curve " + s.look().name().toLowerCase(Locale.ROOT) + " c" + s.color(),
                "points",
                s.points().stream()
                        .map(point -> Markup.number(toX(point.x())) + "," + Markup.number(toY(point.y())))
                        .collect(Collectors.joining(" ")));
        // A line through one point would not be seen.
        if (s.look() == Look.MARKED || s.points().size() == 1) {
            for (var point : s.points()) {
                svg.open("circle", "class", "mark c" + s.color(), "cx", toX(point.x()), "cy", toY(point.y()), "r", 3)
                        .element(
                                "title",
                                s.name() + ", step " + Figures.count(Math.round(point.x())) + ": "
                                        + Figures.score(point.y()))
                        .close("circle");
            }
        }
    }

    private double toX(double value) {
        return FRAME.x(x.position(value));
    }

    private double toY(double value) {
        return FRAME.y(y.position(value));
    }
}
