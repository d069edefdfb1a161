package dev.espalier.report;

import dev.espalier.allocation.Allocation;
import dev.espalier.report.RunHistory.Rank;
import dev.espalier.report.Series.Look;
import dev.espalier.report.Series.Point;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The ranks of an adapter whose budget changes while it trains: where they are at the end, and how they and their sum changed. */
final class RankSection {
    private RankSection() {}

    /** The sections of one run; none if its ranks are what they were. */
    static List<Markup> of(int number, RunHistory run) {
        if (run.ranks().isEmpty()) {
            return List.of();
        }
        Map<String, Integer> last = new LinkedHashMap<>();
        run.ranks().forEach(rank -> last.put(rank.module(), rank.rank()));
        var allocation = new Allocation(last);
        var fact = "A rank of " + Figures.count(allocation.total()) + " in all at step "
                + Figures.count(run.ranks().get(run.ranks().size() - 1).step()) + ".";
        var sections = new ArrayList<Markup>();
        sections.add(AllocationReport.sections(
                        "Ranks of " + run.name(), allocation, "ranks", List.of(fact), Optional.empty())
                .get(0));
        var totals = run.ranks().stream()
                .collect(Collectors.groupingBy(Rank::step, TreeMap::new, Collectors.summingInt(Rank::rank)))
                .entrySet()
                .stream()
                .map(step -> new Point(step.getKey(), step.getValue()))
                .toList();
        var curve = new Series(run.name(), CurvesSection.color(number), Look.MARKED, totals);
        var changes = new Markup()
                .open("section")
                .open("div", "class", "pair")
                .add(CurvesSection.figure("ranks-" + number, "Sum of ranks", List.of(curve)));
        var grids = grids(run);
        if (grids.change()) {
            grids.figures("rank").forEach(changes::add);
        }
        sections.add(changes.close("div").close("section"));
        return sections;
    }

    private static StepHeatmaps grids(RunHistory run) {
        double most = run.ranks().stream().mapToInt(Rank::rank).max().orElse(0);
        var grids = new StepHeatmaps();
        run.ranks()
                .forEach(rank -> grids.put(
                        rank.module(),
                        rank.step(),
                        new Heatmap.Cell(
                                Integer.toString(rank.rank()),
                                most > 0 ? rank.rank() / most : 0,
                                rank.module() + ", step " + Figures.count(rank.step()) + ": rank " + rank.rank())));
        return grids;
    }
}
