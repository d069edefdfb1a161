package dev.espalier.cli.recipe;

import java.nio.file.Path;
import java.util.List;

/** Reads and writes recipes of merges. */
public final class MergeRecipes {
    private static final List<Record> DEFAULTS = List.of(
            MergedAdapterSection.DEFAULT, MergeOverrideSection.DEFAULT, MergeSearchSection.NONE, TaskSection.DEFAULT);

    private MergeRecipes() {}

    /**
     * Reads a recipe.
     *
     * @param overrides {@code key.path=value}, applied in order before the recipe is understood
     * @throws dev.espalier.error.InputException with file, line, column, key and what would be right
     */
    public static MergeRecipe read(Path file, List<String> overrides) {
        var node = YamlReader.readFile(Recipes.text(file), file.toString());
        for (var override : overrides) {
            node = Overrides.apply(node, override);
        }
        return new Binder(DEFAULTS).bind(node, MergeRecipe.DEFAULT);
    }

    /** The recipe with every key that has a value. */
    public static String resolved(MergeRecipe recipe) {
        return RecipeWriter.bare(recipe);
    }
}
