package dev.espalier.report;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.checkpoint.AtomicFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The page that shows an allocation as a grid of layers and matrices, and the sensitivities that it goes by. */
public final class AllocationReport {
    private static final double CELL = 34;
    /** What a sensitivity is coloured by: a tenth of the largest in a task is this much paler than it. */
    private static final double SHADE_PER_DECADE = 0.25;

    private AllocationReport() {}

    /**
     * Writes the page; an older one is replaced whole.
     *
     * @param counted what is allocated, such as {@code experts}
     * @param facts sentences that stand above the grid
     * @param sensitivities that the allocation goes by, if it does
     */
    public static void write(
            Path file,
            String title,
            Allocation allocation,
            String counted,
            List<String> facts,
            Optional<Sensitivities> sensitivities) {
        AtomicFiles.writeString(file, html(title, allocation, counted, facts, sensitivities));
    }

    /** The page's text; see {@link #write}. */
    static String html(
            String title,
            Allocation allocation,
            String counted,
            List<String> facts,
            Optional<Sensitivities> sensitivities) {
        return Page.of(title, sections("Allocation", allocation, counted, facts, sensitivities));
    }

    /** What the page is made of: the grid of the allocation, then one of sensitivities for each task. */
    static List<Markup> sections(
            String heading,
            Allocation allocation,
            String counted,
            List<String> facts,
            Optional<Sensitivities> sensitivities) {
        List<Markup> sections = new ArrayList<>();
        var section = new Markup().open("section").element("h2", heading);
        facts.forEach(fact -> section.element("p", fact));
        section.add(figure(counted + " by layer and matrix", counts(allocation, counted)));
        sections.add(section.close("section"));
        sensitivities.ifPresent(measured -> sections.add(sensitivitySection(measured)));
        return sections;
    }

    private static Markup sensitivitySection(Sensitivities measured) {
        var section = new Markup()
                .open("section")
                .element("h2", "Sensitivity")
                .element(
                        "p",
                        "Sum of the squared gradients of a matrix; darker is more sensitive, on a logarithmic scale.")
                .open("div", "class", "pair");
        measured.tasks().forEach((task, values) -> section.add(figure(task, sensitivities(task, values))));
        return section.close("div").close("section");
    }

    /** A grid below what it shows. */
    static Markup figure(String caption, Heatmap heatmap) {
        return ChartFigure.of(caption, heatmap.svg(caption));
    }

    private static Heatmap counts(Allocation allocation, String counted) {
        double most = Math.max(1, allocation.largest());
        var grid = LayerGrid.of(allocation.modules());
        var totals = grid.modules().stream()
                .map(row -> row.stream()
                        .flatMap(Optional::stream)
                        .mapToInt(allocation::count)
                        .sum())
                .map(String::valueOf)
                .toList();
        return heatmap(grid, List.of(new Heatmap.Note("total", totals)), module -> {
            int count = allocation.count(module);
            return new Heatmap.Cell(String.valueOf(count), count / most, module + ": " + count + " " + counted);
        });
    }

    private static Heatmap sensitivities(String task, Map<String, Double> values) {
        double most = values.values().stream().mapToDouble(v -> v).max().orElse(0);
        return heatmap(LayerGrid.of(values.keySet()), List.of(), module -> {
            double value = values.getOrDefault(module, 0.0);
            double shade = value > 0 ? Math.max(0, 1 + SHADE_PER_DECADE * Math.log10(value / most)) : 0;
            return new Heatmap.Cell("", shade, task + ", " + module + ": " + String.format(Locale.ROOT, "%.3g", value));
        });
    }

    /** Modules by layer and type, each as {@code cell} has it. */
    static Heatmap heatmap(LayerGrid grid, List<Heatmap.Note> notes, Function<String, Heatmap.Cell> cell) {
        var cells = grid.modules().stream()
                .map(row -> row.stream()
                        .map(module -> module.map(cell).orElse(new Heatmap.Cell("", 0, "no such matrix")))
                        .toList())
                .toList();
        var rows = grid.layers().stream()
                .map(layer -> layer.isEmpty() ? "other" : "layer " + layer)
                .toList();
        return new Heatmap(rows, grid.types(), cells, notes, CELL);
    }
}
