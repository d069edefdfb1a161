package dev.espalier.report;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.merge.MergeStatistics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/** The page that shows how adapters agree that were merged: by layer and matrix, and two by two. */
public final class MergingReport {
    private static final double CELL = 40;
    private static final String WEIGHT = ".weight";

    private MergingReport() {}

    /**
     * Writes the page; an older one is replaced whole.
     *
     * @param adapters their names, in the order of {@code statistics}
     * @param facts sentences that stand at the top
     * @param relativeErrors of changed weights, where the merge was cut to a rank; else none
     */
    public static void write(
            Path file,
            String title,
            List<String> adapters,
            List<String> facts,
            MergeStatistics statistics,
            Map<String, Double> relativeErrors) {
        AtomicFiles.writeString(file, html(title, adapters, facts, statistics, relativeErrors));
    }

    /** The page's text; see {@link #write}. */
    static String html(
            String title,
            List<String> adapters,
            List<String> facts,
            MergeStatistics statistics,
            Map<String, Double> relativeErrors) {
        return Page.of(title, sections(adapters, facts, statistics, relativeErrors));
    }

    private static List<Markup> sections(
            List<String> adapters, List<String> facts, MergeStatistics statistics, Map<String, Double> relativeErrors) {
        var sections = new ArrayList<Markup>();
        var first = new Markup().open("section").element("h2", "Merge");
        facts.forEach(fact -> first.element("p", fact));
        sections.add(first.close("section"));
        var conflicts = new LinkedHashMap<String, Double>();
        statistics.weights().stream()
                .filter(weight -> weight.endsWith(WEIGHT))
                .forEach(weight -> conflicts.put(weight, statistics.signConflicts(weight)));
        sections.add(byMatrix(
                "Sign conflicts by layer and matrix",
                "Share of the places where some adapters add and others subtract, among those where any changes something;"
                        + " of a sample of eight rows of each matrix.",
                conflicts));
        if (!relativeErrors.isEmpty()) {
            sections.add(byMatrix(
                    "Error of the rank by layer and matrix",
                    "What the cut to a rank leaves out of each merged change, as a share of its norm.",
                    relativeErrors));
        }
        sections.add(pairs(
                "Overlap of adapters",
                "Of the places where one of two adapters changes something, the share where both do.",
                adapters,
                statistics::overlap));
        sections.add(pairs(
                "Sign conflicts of adapters",
                "Of the places where both change something, the share where their signs differ; chance gives a half.",
                adapters,
                statistics::signConflicts));
        return sections;
    }

    private static Markup byMatrix(String heading, String caption, Map<String, Double> values) {
        var byModule = new LinkedHashMap<String, Double>();
        values.forEach((weight, value) -> byModule.put(weight.replaceFirst("\\.weight$", ""), value));
        var grid = LayerGrid.of(byModule.keySet());
        var cells = grid.modules().stream()
                .map(row -> row.stream().map(module -> cell(module, byModule)).toList())
                .toList();
        var rows = grid.layers().stream()
                .map(layer -> layer.isEmpty() ? "other" : "layer " + layer)
                .toList();
        return section(heading, caption, new Heatmap(rows, grid.types(), cells, List.of(), CELL));
    }

    private static Heatmap.Cell cell(Optional<String> module, Map<String, Double> values) {
        return module.map(path -> cell(path, values.getOrDefault(path, 0.0)))
                .orElse(new Heatmap.Cell("", 0, "no such matrix"));
    }

    private static Heatmap.Cell cell(String what, double share) {
        var text = String.format(Locale.ROOT, "%.2f", share);
        return new Heatmap.Cell(text, Math.min(1, share), what + ": " + text);
    }

    private static Markup pairs(
            String heading, String caption, List<String> adapters, BiFunction<Integer, Integer, Double> value) {
        var cells = IntStream.range(0, adapters.size())
                .mapToObj(i -> IntStream.range(0, adapters.size())
                        .mapToObj(j -> cell(adapters.get(i) + " and " + adapters.get(j), value.apply(i, j)))
                        .toList())
                .toList();
        return section(heading, caption, new Heatmap(adapters, adapters, cells, List.of(), CELL));
    }

    private static Markup section(String heading, String caption, Heatmap heatmap) {
        return new Markup()
                .open("section")
                .element("h2", heading)
                .add(ChartFigure.of(caption, heatmap.svg(heading)))
                .close("section");
    }
}
