package dev.espalier.cli;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.ModelMatrices;
import dev.espalier.allocation.Cost;
import dev.espalier.allocation.MatrixShape;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.cli.recipe.AllocationSection;
import dev.espalier.cli.recipe.RuleChoice;
import dev.espalier.error.InputException;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.train.AllocationPlan;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Optional;

/**
 * Lets a recipe whose experts or ranks are shared out by what is measured share out so many trained weights: its runs
 * then come to the budget by themselves, whatever they measure, and the rank stays.
 */
final class AllocationFit {
    private AllocationFit() {}

    /**
     * The recipe with that budget in its allocation; empty where it has none, or one by a rule that does not share
     * anything out.
     *
     * @param budget trained weights of the adapter at most; heads do not count
     * @throws InputException if the least that the allocation gives costs more, or if only measuring tells what it costs
     */
    static Optional<ComparedRecipe> fit(ComparedRecipe recipe, long budget) {
        var spec = recipe.recipe().adapter().spec();
        var section = recipe.recipe().allocation();
        if (section != null && knowsNoBudget(section)) {
            throw new InputException(recipe.file() + ": the rule percentile knows no budget, so --trained-weights "
                    + TensorTable.count(budget) + " can't hold for it; choose the rule proportional, or let espalier"
                    + " allocate write the allocation first and give it with the rule table.");
        }
        if (section == null ? !spec.isAllocated() : !shares(section)) {
            return Optional.empty();
        }
        var changes = new ArrayList<String>();
        if (section == null || section.rule() == null) {
            changes.add("allocation.rule=proportional");
            if (section == null || section.maximum() == null) {
                changes.add("allocation.maximum=" + AllocationPlan.USUAL_MOST);
            }
        } else {
            // What is empty counts as not written.
            changes.add("allocation.budget=");
        }
        changes.add("allocation.weights=" + budget);
        int minimum = section == null || section.minimum() == null ? 0 : section.minimum();
        requireEnough(recipe, spec, minimum, budget);
        return Optional.of(recipe.with(changes));
    }

    private static boolean knowsNoBudget(AllocationSection section) {
        return section.rule() == RuleChoice.Name.PERCENTILE || (section.rule() == null && section.keep() != null);
    }

    /** By the rule proportional, or by none that is named: what is done then is to share out, too, for one task. */
    private static boolean shares(AllocationSection section) {
        return section.rule() == RuleChoice.Name.PROPORTIONAL || section.rule() == null;
    }

    private static void requireEnough(ComparedRecipe recipe, AdapterSpec spec, int minimum, long budget) {
        long least = least(spec.allocationCost(), minimum, shapes(recipe, spec));
        if (least > budget) {
            throw new InputException(recipe.file() + ": the method " + recipe.method() + " trains "
                    + TensorTable.count(least) + " weights even where its allocation gives the least, and"
                    + " --trained-weights allows " + TensorTable.count(budget)
                    + "; raise the budget, or lower adapter.rank or allocation.minimum.");
        }
    }

    /** Of the minimum for all matrices; one expert, or rank, for the cheapest where there is none. */
    private static long least(Cost cost, int minimum, Collection<MatrixShape> shapes) {
        return minimum > 0
                ? shapes.stream()
                        .mapToLong(shape -> cost.weights(shape, minimum))
                        .sum()
                : shapes.stream()
                        .mapToLong(shape -> cost.weights(shape, 1))
                        .min()
                        .orElseThrow();
    }

    private static Collection<MatrixShape> shapes(ComparedRecipe recipe, AdapterSpec spec) {
        var settings = recipe.recipe();
        try (var model = AutoModel.open(
                ModelLocator.locate(settings.model()),
                Engine.dtype(settings.options().dtype()))) {
            return ModelMatrices.of(model, spec.targets()).shapes().values();
        }
    }
}
