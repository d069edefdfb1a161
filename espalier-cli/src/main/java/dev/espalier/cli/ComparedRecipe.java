package dev.espalier.cli;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.MixtureSpec;
import dev.espalier.cli.recipe.Recipe;
import dev.espalier.cli.recipe.RecipeKeys;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * A recipe of a comparison.
 *
 * @param name the file's, without what it ends in
 * @param overrides as {@code --set} has them
 * @param recipe with the overrides
 */
record ComparedRecipe(String name, Path file, List<String> overrides, Recipe recipe) {
    private static final String METHOD = "adapter.method";
    private static final String RANK = "adapter.rank";
    private static final String ALPHA = "adapter.alpha";

    /** Reads recipes that can be compared: with names of their own, the same model, tasks and metric. */
    static List<ComparedRecipe> read(List<Path> files, List<String> overrides) {
        var recipes = named(files, overrides);
        recipes.forEach(recipe -> recipe.requireComparableWith(recipes.get(0)));
        return recipes;
    }

    /** Reads recipes with names of their own. */
    static List<ComparedRecipe> named(List<Path> files, List<String> overrides) {
        Map<String, ComparedRecipe> byName = new LinkedHashMap<>();
        for (var file : files) {
            var recipe = new ComparedRecipe(
                    file.getFileName().toString().replaceFirst("\\.ya?ml$", ""),
                    file,
                    List.copyOf(overrides),
                    Recipes.read(file, overrides));
            var same = byName.put(recipe.name, recipe);
            if (same != null) {
                throw new InputException("Two recipes are called '" + recipe.name + "': " + same.file + " and " + file
                        + "; a recipe's name here is its file's, so give each file one of its own.");
            }
        }
        return List.copyOf(byName.values());
    }

    private void requireComparableWith(ComparedRecipe first) {
        RecipeKeys.difference(first.recipe, recipe, ComparedRecipe::isCommon).ifPresent(difference -> {
            throw new InputException(first.file + " and " + file + " can't be compared: " + difference.key() + " is "
                    + difference.first() + " in the one and " + difference.second()
                    + " in the other; make it the same, for example by --set.");
        });
    }

    private static boolean isCommon(String key) {
        return key.equals("model") || key.equals("training.metric") || key.startsWith("tasks.");
    }

    /** The recipe's method. */
    String method() {
        return keys().getOrDefault(METHOD, "");
    }

    /** The recipe's rank, if its method has one. */
    OptionalInt rank() {
        var rank = keys().get(RANK);
        return rank == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(rank));
    }

    private Map<String, String> keys() {
        return RecipeKeys.of(recipe);
    }

    /** The recipe's alpha, if its method has one. */
    OptionalDouble alpha() {
        var alpha = keys().get(ALPHA);
        return alpha == null ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(alpha));
    }

    /** The same with another rank, and the alpha that keeps the scale of what the adapter adds as it was. */
    ComparedRecipe withRank(int rank) {
        var changes = new ArrayList<>(List.of(RANK + "=" + rank));
        alpha().ifPresent(alpha -> changes.add(ALPHA + "=" + alpha * scales(rank)));
        return with(changes);
    }

    /** What alpha is multiplied with for another rank: the scale is alpha over the rank, or over its root. */
    private double scales(int rank) {
        var spec = recipe.adapter().spec();
        if (spec instanceof MixtureSpec mixture && mixture.routing().scorer() == MixtureSpec.Scorer.STATIC) {
            return 1;
        }
        double times = (double) rank / rank().orElseThrow();
        return spec instanceof LoraSpec lora && lora.rslora() ? Math.sqrt(times) : times;
    }

    /** The same with another seed; of the tasks' splits it is none. */
    ComparedRecipe withSeed(long seed) {
        return with(List.of("training.seed=" + seed));
    }

    /** The same with more overrides. */
    ComparedRecipe with(List<String> changes) {
        var more = Stream.concat(overrides.stream(), changes.stream()).toList();
        return new ComparedRecipe(name, file, more, Recipes.read(file, more));
    }
}
