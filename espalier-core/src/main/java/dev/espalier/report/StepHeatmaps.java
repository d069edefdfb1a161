package dev.espalier.report;

import dev.espalier.allocation.ModulePath;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What modules had at the steps of a run: a grid of layers and steps for each type of matrix. */
final class StepHeatmaps {
    private static final double CELL = 34;
    /** With more steps the grid is wider than the page: some, evenly apart, are then left out. */
    private static final int MOST_STEPS = 14;

    private final Map<String, Map<Integer, Map<Integer, Heatmap.Cell>>> types = new TreeMap<>();
    private final TreeSet<Integer> steps = new TreeSet<>();

    /** What a module had at a step. */
    void put(String module, int step, Heatmap.Cell cell) {
        var path = ModulePath.of(module);
        types.computeIfAbsent(path.type(), type -> new TreeMap<>())
                .computeIfAbsent(path.layer().orElse(Integer.MAX_VALUE), layer -> new LinkedHashMap<>())
                .put(step, cell);
        steps.add(step);
    }

    /** Whether there is more than what the last step alone shows. */
    boolean change() {
        return steps.size() > 1;
    }

    /** The grids, each headed by its type. */
    List<Markup> figures(String what) {
        var shown = shown();
        var columns = shown.stream().map(step -> Figures.count(step)).toList();
        List<Markup> figures = new ArrayList<>();
        types.forEach((type, layers) -> {
            var rows = layers.keySet().stream()
                    .map(layer -> layer == Integer.MAX_VALUE ? "other" : "layer " + layer)
                    .toList();
            var cells = layers.values().stream()
                    .map(bySteps -> shown.stream()
                            .map(step -> bySteps.getOrDefault(step, new Heatmap.Cell("", 0, "nothing at this step")))
                            .toList())
                    .toList();
            var caption = type + ": " + what + " by step";
            figures.add(ChartFigure.of(caption, new Heatmap(rows, columns, cells, List.of(), CELL).svg(caption)));
        });
        return figures;
    }

    private List<Integer> shown() {
        var all = List.copyOf(steps);
        if (all.size() <= MOST_STEPS) {
            return all;
        }
        List<Integer> some = new ArrayList<>();
        for (int place = 0; place < MOST_STEPS; place++) {
            some.add(all.get(Math.round(place * (all.size() - 1f) / (MOST_STEPS - 1))));
        }
        return some;
    }
}
