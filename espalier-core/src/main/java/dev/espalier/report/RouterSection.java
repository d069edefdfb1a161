package dev.espalier.report;

import dev.espalier.report.RunHistory.Router;
import dev.espalier.report.Series.Look;
import dev.espalier.report.Series.Point;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A mixture's routers: which experts were chosen, what capacity dropped, how sure the choice was. */
final class RouterSection {
    private static final Pattern LAYER = Pattern.compile("^(.*?)\\.(\\d+)\\.(.*)$");
    /** With more experts their shares no longer fit into the cells. */
    private static final int MOST_LABELLED = 24;

    private RouterSection() {}

    /** Where a router sits: {@code encoder.layer.3.attention.self.query} is layer 3 of attention.self.query. */
    private record Place(String projection, int layer, String row) {
        static Place of(String module) {
            var match = LAYER.matcher(module);
            return match.matches()
                    ? new Place(match.group(3), Integer.parseInt(match.group(2)), "layer " + match.group(2))
                    : new Place("other", 0, module);
        }
    }

    static Markup of(int number, RunHistory run) {
        var last = run.lastRouters().values();
        if (last.isEmpty()) {
            return new Markup();
        }
        var section = new Markup()
                .open("section")
                .element("h2", "Routers of " + run.name())
                .element(
                        "p",
                        "Share of the router's choices that each expert got, in percent, before capacity, at step "
                                + Figures.count(last.stream()
                                        .mapToInt(Router::step)
                                        .max()
                                        .orElse(0))
                                + "; " + balance(last)
                                + ". Dropped: share of the tokens chosen for an expert that exceeded its capacity.");
        section.open("div", "class", "pair");
        var most = last.stream()
                .flatMap(r -> r.load().stream())
                .mapToDouble(v -> v)
                .max()
                .orElse(1);
        byProjection(last)
                .forEach((projection, routers) -> section.add(ChartFigure.of(
                        projection, heatmap(projection, routers, most).svg("Router load of " + projection))));
        section.add(CurvesSection.figure(
                "entropy-" + number,
                "Router entropy, nats, mean over layers" + uniform(last),
                curves(run.routers(), Router::entropy)));
        section.add(CurvesSection.figure(
                "dropped-" + number,
                "Dropped share of choices, mean over layers",
                curves(run.routers(), Router::dropped)));
        return section.close("div").close("section");
    }

    private static String balance(Collection<Router> routers) {
        var sizes = routers.stream().map(r -> r.load().size()).distinct().toList();
        return sizes.size() == 1
                ? "a balanced router gives each of " + sizes.get(0) + " experts " + Figures.percent(1.0 / sizes.get(0))
                : "experts differ in number by module";
    }

    private static String uniform(Collection<Router> routers) {
        var sizes = routers.stream().map(r -> r.load().size()).distinct().toList();
        return sizes.size() == 1 ? " (uniform: " + Figures.fixed(Math.log(sizes.get(0)), 2) + ")" : "";
    }

    private static Map<String, List<Router>> byProjection(Collection<Router> routers) {
        return routers.stream()
                .collect(Collectors.groupingBy(
                        router -> Place.of(router.module()).projection(), TreeMap::new, Collectors.toList()));
    }

    private static Heatmap heatmap(String projection, List<Router> routers, double most) {
        var ordered = routers.stream()
                .sorted((a, b) -> Integer.compare(
                        Place.of(a.module()).layer(), Place.of(b.module()).layer()))
                .toList();
        var experts = ordered.stream().mapToInt(r -> r.load().size()).max().orElse(0);
        List<List<Heatmap.Cell>> cells = new ArrayList<>();
        for (var router : ordered) {
            cells.add(IntStream.range(0, experts)
                    .mapToObj(expert -> cell(projection, router, expert, experts, most))
                    .toList());
        }
        return new Heatmap(
                ordered.stream().map(r -> Place.of(r.module()).row()).toList(),
                IntStream.range(0, experts).mapToObj(Integer::toString).toList(),
                cells,
                List.of(
                        new Heatmap.Note(
                                "dropped",
                                ordered.stream()
                                        .map(r -> Figures.percent(r.dropped()))
                                        .toList()),
                        new Heatmap.Note(
                                "entropy",
                                ordered.stream()
                                        .map(r -> Double.isFinite(r.entropy()) ? Figures.fixed(r.entropy(), 2) : "–")
                                        .toList())),
                experts > MOST_LABELLED ? 10 : 22);
    }

    private static Heatmap.Cell cell(String projection, Router router, int expert, int experts, double most) {
        if (expert >= router.load().size()) {
            return new Heatmap.Cell("", 0, "no such expert");
        }
        double load = router.load().get(expert);
        // Twice the balanced share is always dark, so that a nearly balanced router does not look uneven.
        var shade = Math.min(1, load / Math.max(most, 2.0 / experts));
        return new Heatmap.Cell(
                experts > MOST_LABELLED ? "" : Long.toString(Math.round(100 * load)),
                shade,
                Place.of(router.module()).row() + ", " + projection + ", expert " + expert + ": "
                        + Figures.percent(load) + " of choices");
    }

    /** A curve for each type of matrix, the mean over its modules. */
    static List<Series> curves(List<Router> all, ToDoubleFunction<Router> value) {
        List<Series> series = new ArrayList<>();
        byProjection(all).forEach((projection, routers) -> {
            var color = CurvesSection.color(series.size());
            series.add(new Series(projection, color, Look.MARKED, means(routers, value)));
        });
        return series;
    }

    /** The mean over modules at every step. */
    private static List<Point> means(List<Router> routers, ToDoubleFunction<Router> value) {
        return routers.stream()
                .collect(Collectors.groupingBy(Router::step, TreeMap::new, Collectors.averagingDouble(value)))
                .entrySet()
                .stream()
                .map(step -> new Point(step.getKey(), step.getValue()))
                .toList();
    }
}
