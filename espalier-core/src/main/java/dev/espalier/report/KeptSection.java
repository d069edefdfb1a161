package dev.espalier.report;

import dev.espalier.report.RunHistory.Kept;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What a sparse adapter keeps in the end: the share of every matrix by layer and type. */
final class KeptSection {
    private KeptSection() {}

    /** The section of one run; none if its adapter is not sparse. */
    static List<Markup> of(RunHistory run) {
        if (run.kept().isEmpty()) {
            return List.of();
        }
        Map<String, Kept> byModule = new LinkedHashMap<>();
        run.kept().forEach(kept -> byModule.put(kept.module(), kept));
        long all = run.kept().stream().mapToLong(Kept::size).sum();
        long kept = run.kept().stream().mapToLong(Kept::kept).sum();
        var section = new Markup()
                .open("section")
                .element("h2", "Kept weights of " + run.name())
                .element(
                        "p",
                        "%s of %s weights of the adapted matrices are trained, %s."
                                .formatted(Figures.count(kept), Figures.count(all), percent(kept, all)));
        section.add(AllocationReport.figure("kept weights by layer and matrix, in percent", grid(byModule)));
        return List.of(section.close("section"));
    }

    private static Heatmap grid(Map<String, Kept> byModule) {
        double most =
                byModule.values().stream().mapToDouble(KeptSection::share).max().orElse(1);
        var grid = LayerGrid.of(byModule.keySet());
        var totals = grid.modules().stream()
                .map(row -> row.stream()
                        .flatMap(Optional::stream)
                        .map(module -> get(byModule, module))
                        .mapToLong(Kept::kept)
                        .sum())
                .map(Figures::count)
                .toList();
        return AllocationReport.heatmap(grid, List.of(new Heatmap.Note("kept", totals)), module -> {
            var kept = get(byModule, module);
            return cell(
                    share(kept),
                    most,
                    module + ": " + Figures.count(kept.kept()) + " of " + Figures.count(kept.size()));
        });
    }

    /** A share in percent, shaded by the largest. */
    static Heatmap.Cell cell(double share, double most, String tooltip) {
        return new Heatmap.Cell(String.format(Locale.ROOT, "%.1f", 100 * share), most > 0 ? share / most : 0, tooltip);
    }

    private static Kept get(Map<String, Kept> byModule, String module) {
        return Objects.requireNonNull(byModule.get(module), module);
    }

    private static double share(Kept kept) {
        return kept.size() == 0 ? 0 : (double) kept.kept() / kept.size();
    }

    private static String percent(long part, long whole) {
        return whole == 0 ? "" : String.format(Locale.ROOT, "%.3g %%", 100.0 * part / whole);
    }
}
