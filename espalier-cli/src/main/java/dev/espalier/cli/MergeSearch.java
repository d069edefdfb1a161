package dev.espalier.cli;

import dev.espalier.cli.recipe.MergeSearchSection;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import dev.espalier.merge.MergePlan;
import dev.espalier.merge.WeightSearch;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Tries merges on validation data: adapters' weights first, then lambda and density. */
final class MergeSearch {
    private final MergeSearchSection wanted;
    private final int adapters;
    private final long seed;
    private final List<Tried> tried = new ArrayList<>();

    private static final Comparator<Tried> WORST_FIRST = Comparator.comparing(Tried::score, Metric.HIGHER_IS_BETTER);

    /** @param score higher is better; NaN where a task's metric is not defined */
    record Tried(MergePlan plan, double score) {
        /** For {@code merge.json}. */
        Map<String, Object> json() {
            var json = new LinkedHashMap<String, Object>();
            json.put("lambda", plan.method().lambda());
            json.put("density", plan.method().sparsifier().density());
            json.put("weights", plan.weights());
            if (Double.isFinite(score)) {
                json.put("score", score);
            }
            return json;
        }
    }

    MergeSearch(MergeSearchSection wanted, int adapters, long seed) {
        this.wanted = wanted;
        this.adapters = adapters;
        this.seed = seed;
    }

    /**
     * The best plan that was found.
     *
     * @throws InputException if the method has no density, and densities are to be tried, or if nothing has a score
     */
    MergePlan run(MergePlan start, ToDoubleFunction<MergePlan> score) {
        if (!start.overrides().isEmpty()) {
            throw new InputException(
                    "A search with overrides is not supported, for it would search for the other modules only; remove one.");
        }
        var plan = wanted.weights() ? searchedWeights(start, score) : start;
        var lambdas = wanted.lambda() == null ? List.of(plan.method().lambda()) : wanted.lambda();
        var densities = wanted.density();
        var candidates = new ArrayList<MergePlan>();
        for (double lambda : lambdas) {
            var scaled = plan.method().withLambda(lambda);
            if (densities == null) {
                candidates.add(plan.withMethod(scaled));
            } else {
                for (double density : densities) {
                    candidates.add(plan.withMethod(scaled.withDensity(density)));
                }
            }
        }
        if (candidates.size() == 1 && !tried.isEmpty()) {
            return plan;
        }
        var grid = new ArrayList<Tried>();
        candidates.forEach(candidate -> grid.add(new Tried(candidate, score.applyAsDouble(candidate))));
        tried.addAll(grid);
        requireScore();
        return grid.stream().max(WORST_FIRST).map(Tried::plan).orElse(plan);
    }

    private void requireScore() {
        if (tried.stream().allMatch(each -> Double.isNaN(each.score()))) {
            throw new InputException("None of the " + tried.size()
                    + " merges that were tried has a score, for a task's metric is not defined on its validation rows;"
                    + " give it more rows, or merge without --search.");
        }
    }

    private MergePlan searchedWeights(MergePlan start, ToDoubleFunction<MergePlan> score) {
        var search = new WeightSearch(wanted.evaluations(), WeightSearch.DEFAULT.penalty(), seed);
        var found = search.run(adapters, weights -> score.applyAsDouble(start.withWeights(weights)));
        found.forEach(each -> tried.add(new Tried(start.withWeights(each.weights()), each.score())));
        requireScore();
        return start.withWeights(search.best(found).weights());
    }

    /** What was tried, in order. */
    List<Tried> tried() {
        return List.copyOf(tried);
    }

    /** The ten best. */
    TextTable table() {
        var table = new TextTable(List.of(
                Column.number("lambda"), Column.number("density"), Column.text("weights"), Column.number("score")));
        tried.stream()
                .sorted(WORST_FIRST.reversed())
                .limit(10)
                .forEach(each -> table.row(
                        number(each.plan().method().lambda()),
                        number(each.plan().method().sparsifier().density()),
                        each.plan().weights().stream()
                                .map(MergeSearch::number)
                                .toList()
                                .toString(),
                        Double.isNaN(each.score()) ? "–" : String.format(Locale.ROOT, "%.4f", each.score())));
        return table;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
