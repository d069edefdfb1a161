package dev.espalier.report;

import dev.espalier.allocation.ModulePath;
import dev.espalier.report.RunHistory.Similarity;
import dev.espalier.report.Series.Look;
import dev.espalier.report.Series.Point;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** How alike a mixture's experts are: over time, and at the end those of the modules where they are most alike. */
final class SimilaritySection {
    private static final int MOST_MATRICES = 8;
    private static final double CELL = 26;

    private SimilaritySection() {}

    static Markup of(int number, RunHistory run) {
        var all = run.similarities();
        if (all.isEmpty()) {
            return new Markup();
        }
        Map<String, Similarity> last = new LinkedHashMap<>();
        all.forEach(similarity -> last.put(similarity.module(), similarity));
        var drawn = last.values().stream()
                .filter(similarity -> !similarity.cosines().isEmpty())
                .sorted(Comparator.comparingDouble(Similarity::mean).reversed())
                .limit(MOST_MATRICES)
                .toList();
        var section = new Markup()
                .open("section")
                .element("h2", "Similarity of the experts of " + run.name())
                .element(
                        "p",
                        "Cosine of what two experts of a module change in its weight: 1 where they do the same up to"
                                + " scale, 0 where they have nothing in common." + matrices(drawn.size(), last.size()))
                .open("div", "class", "pair");
        section.add(CurvesSection.figure(
                "similarity-" + number, "Mean cosine of two experts, mean over layers", curves(all)));
        drawn.forEach(similarity -> section.add(ChartFigure.of(
                similarity.module() + ": mean " + Figures.fixed(similarity.mean(), 2),
                heatmap(similarity).svg("Similarity of the experts of " + similarity.module()))));
        return section.close("div").close("section");
    }

    private static String matrices(int drawn, int modules) {
        return drawn == 0
                ? ""
                : " The matrices, in hundredths, are those at the end"
                        + (drawn < modules
                                ? " of the " + drawn + " of " + modules + " modules whose experts are most alike."
                                : ".");
    }

    private static Heatmap heatmap(Similarity similarity) {
        var names = IntStream.range(0, similarity.cosines().size())
                .mapToObj(Integer::toString)
                .toList();
        List<List<Heatmap.Cell>> cells = new ArrayList<>();
        for (int row = 0; row < names.size(); row++) {
            int e = row;
            cells.add(IntStream.range(0, names.size())
                    .mapToObj(f -> cell(e, f, similarity.cosines().get(e).get(f)))
                    .toList());
        }
        return new Heatmap(names, names, cells, List.of(), CELL);
    }

    private static Heatmap.Cell cell(int first, int second, double cosine) {
        var experts = "experts " + first + " and " + second + ": ";
        if (first == second) {
            return new Heatmap.Cell("", 0, "expert " + first);
        }
        return Double.isFinite(cosine)
                ? new Heatmap.Cell(
                        Long.toString(Math.round(100 * cosine)),
                        Math.min(1, Math.abs(cosine)),
                        experts + Figures.fixed(cosine, 2))
                : new Heatmap.Cell("–", 0, experts + "one of them changes nothing yet");
    }

    private static List<Series> curves(List<Similarity> all) {
        List<Series> series = new ArrayList<>();
        all.stream()
                .collect(Collectors.groupingBy(
                        similarity -> ModulePath.of(similarity.module()).type(), TreeMap::new, Collectors.toList()))
                .forEach((type, ofType) ->
                        series.add(new Series(type, CurvesSection.color(series.size()), Look.MARKED, means(ofType))));
        return series;
    }

    private static List<Point> means(List<Similarity> ofType) {
        return ofType.stream()
                .collect(Collectors.groupingBy(
                        Similarity::step, TreeMap::new, Collectors.averagingDouble(Similarity::mean)))
                .entrySet()
                .stream()
                .map(step -> new Point(step.getKey(), step.getValue()))
                .toList();
    }
}
