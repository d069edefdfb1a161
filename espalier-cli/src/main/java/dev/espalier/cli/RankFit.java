package dev.espalier.cli;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.ModelMatrices;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.cli.recipe.Recipe;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.train.AllocationPlan;
import java.util.HashMap;
import java.util.Map;

/** Finds the largest rank with which a recipe's adapter has at most so many trained weights. */
final class RankFit {
    private static final String NAME = "fit";

    private final LanguageModel model;
    private final ComparedRecipe recipe;
    private final long budget;
    private final Map<Integer, Long> counts = new HashMap<>();

    private RankFit(LanguageModel model, ComparedRecipe recipe, long budget) {
        this.model = model;
        this.recipe = recipe;
        this.budget = budget;
    }

    /**
     * The recipe with that rank, which is counted on the model, not trained.
     *
     * @param budget trained weights of the adapter at most; heads do not count
     * @throws InputException if the method has no rank, rank 1 exceeds the budget, or the rank does not matter
     */
    static ComparedRecipe fit(ComparedRecipe recipe, long budget) {
        var settings = recipe.recipe();
        try (var model = AutoModel.open(
                ModelLocator.locate(settings.model()),
                Engine.dtype(settings.options().dtype()))) {
            return recipe.withRank(new RankFit(model, recipe, budget).largest());
        }
    }

    private int largest() {
        long whole =
                model.parameters().values().stream().mapToLong(Parameter::size).sum();
        if (budget > whole) {
            throw new InputException("--trained-weights " + TensorTable.count(budget) + " is more than the "
                    + TensorTable.count(whole) + " weights of the model "
                    + recipe.recipe().model()
                    + "; choose a smaller budget.");
        }
        if (recipe.rank().isEmpty()) {
            throw new InputException(recipe.file() + ": the method " + recipe.method()
                    + " has no rank to fit to a budget of " + TensorTable.count(budget) + " trained weights; it has "
                    + TensorTable.count(count(recipe.recipe())) + ". Leave it or --trained-weights out.");
        }
        long smallest = count(1);
        if (smallest > budget) {
            throw new InputException(recipe.file() + ": the method " + recipe.method() + " trains "
                    + TensorTable.count(smallest) + " weights even with rank 1, and --trained-weights allows "
                    + TensorTable.count(budget) + "; raise the budget, or change what the recipe adapts.");
        }
        long step = count(2) - smallest;
        if (step <= 0) {
            throw new InputException(recipe.file() + ": adapter.rank does not change how many weights are trained, "
                    + TensorTable.count(smallest) + ", so it can't be fitted to --trained-weights "
                    + TensorTable.count(budget) + "; remove ranks of single modules or layers from the recipe.");
        }
        // Most methods have so many weights more with every rank, and then this is the rank already.
        return from(Math.toIntExact(Math.min(1 + (budget - smallest) / step, Integer.MAX_VALUE / 4)));
    }

    private int from(int guess) {
        int low = 1;
        int high = guess;
        for (int rise = 1; fits(high); rise *= 2) {
            low = high;
            high += rise;
        }
        while (high - low > 1) {
            int middle = low + (high - low) / 2;
            if (fits(middle)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private boolean fits(int rank) {
        return count(rank) <= budget;
    }

    private long count(int rank) {
        return counts.computeIfAbsent(rank, r -> count(recipe.withRank(r).recipe()));
    }

    /** The adapter itself says it: what a method trains is written nowhere else. */
    @SuppressWarnings("try") // the scope works by being open
    private long count(Recipe settings) {
        try (var scope = Scope.open();
                var adapter = Adapter.create(NAME, allocated(settings), model, RandomStream.of(0))) {
            return adapter.trainedWeights();
        }
    }

    /** With its experts or ranks allocated, where that takes no measuring. */
    private AdapterSpec allocated(Recipe settings) {
        var spec = settings.adapter().spec().forTasks(settings.tasks().size());
        var allocation = settings.allocation();
        return allocation != null
                        && allocation.plan(spec, settings.tasks().size()) instanceof AllocationPlan.Ruled ruled
                ? spec.allocated(ruled.rule().allocate(ModelMatrices.of(model, spec.targets())))
                : spec;
    }
}
