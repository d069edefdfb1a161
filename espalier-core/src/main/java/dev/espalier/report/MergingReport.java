package dev.espalier.report;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.merge.MergeStatistics;
import dev.espalier.merge.Merger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The page that shows what was merged: how much of each adapter, and how they agree, by layer and matrix, and two by two.
 */
public final class MergingReport {
    private static final double CELL = 40;
    private static final String WEIGHT = ".weight";

    private MergingReport() {}

    /**
     * Writes the page; an older one is replaced whole.
     *
     * @param merger after its weights were merged
     * @param facts sentences that stand at the top
     * @param relativeErrors of changed weights, where the merge was cut to a rank; else none
     */
    public static void write(
            Path file, String title, Merger merger, List<String> facts, Map<String, Double> relativeErrors) {
        AtomicFiles.writeString(file, html(title, merger, facts, relativeErrors));
    }

    /** The page's text; see {@link #write}. */
    static String html(String title, Merger merger, List<String> facts, Map<String, Double> relativeErrors) {
        return Page.of(title, sections(merger, facts, relativeErrors));
    }

    private static List<Markup> sections(Merger merger, List<String> facts, Map<String, Double> relativeErrors) {
        var statistics = merger.statistics();
        var adapters = merger.adapters().stream().map(DeltaSource::name).toList();
        var sections = new ArrayList<Markup>();
        var first = new Markup().open("section").element("h2", "Merge");
        facts.forEach(fact -> first.element("p", fact));
        sections.add(first.open("div", "class", "scroll")
                .add(RunsSection.table(MergingTable.of(merger)))
                .close("div")
                .close("section"));
        sections.add(kept(adapters, statistics));
        sections.add(byMatrix(
                "Sign conflicts by layer and matrix",
                "Share of the places where some adapters add and others subtract, among those where any changes something;"
                        + " of a sample of eight rows of each matrix.",
                matrices(statistics, statistics::signConflicts)));
        if (!relativeErrors.isEmpty()) {
            sections.add(byMatrix(
                    "Error of the rank by layer and matrix",
                    "What the cut to a rank leaves out of each merged change, as a share of its norm.",
                    byModule(relativeErrors)));
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

    /** How much of each adapter takes part, all on the grid of what any of them changes. */
    private static Markup kept(List<String> adapters, MergeStatistics statistics) {
        var section = new Markup()
                .open("section")
                .element("h2", "Kept weights by layer and matrix")
                .element(
                        "p",
                        "In percent of each matrix's weights, those of an adapter that are not 0 when they are merged;"
                                + " of a sample of eight rows of each matrix.")
                .open("div", "class", "pair");
        var shares = new ArrayList<Map<String, Double>>();
        for (int i = 0; i < adapters.size(); i++) {
            int adapter = i;
            shares.add(matrices(
                    statistics, weight -> statistics.density(weight, adapter).orElse(Double.NaN)));
        }
        double most = shares.stream()
                .flatMap(ofModules -> ofModules.values().stream())
                .filter(Double::isFinite)
                .mapToDouble(share -> share)
                .max()
                .orElse(1);
        for (int i = 0; i < adapters.size(); i++) {
            section.add(AllocationReport.figure(adapters.get(i), kept(shares.get(i), most)));
        }
        return section.close("div").close("section");
    }

    private static Heatmap kept(Map<String, Double> shares, double most) {
        return AllocationReport.heatmap(LayerGrid.of(shares.keySet()), List.of(), module -> {
            double share = shares.getOrDefault(module, Double.NaN);
            return Double.isNaN(share)
                    ? new Heatmap.Cell("", 0, module + ": not changed")
                    : KeptSection.cell(share, most, module);
        });
    }

    /** A value of each weight that is one of a module's matrices, by module. */
    private static Map<String, Double> matrices(MergeStatistics statistics, ToDoubleFunction<String> value) {
        var values = new LinkedHashMap<String, Double>();
        statistics.weights().stream()
                .filter(weight -> weight.endsWith(WEIGHT))
                .forEach(weight -> values.put(weight, value.applyAsDouble(weight)));
        return byModule(values);
    }

    private static Map<String, Double> byModule(Map<String, Double> values) {
        var byModule = new LinkedHashMap<String, Double>();
        values.forEach((weight, value) -> byModule.put(weight.replaceFirst("\\.weight$", ""), value));
        return byModule;
    }

    private static Markup byMatrix(String heading, String caption, Map<String, Double> values) {
        return section(
                heading,
                caption,
                AllocationReport.heatmap(
                        LayerGrid.of(values.keySet()),
                        List.of(),
                        module -> cell(module, values.getOrDefault(module, 0.0))));
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
