package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Reads and writes recipes of studies. */
public final class StudyRecipes {
    private static final List<Record> DEFAULTS = Stream.concat(
                    Recipes.DEFAULTS.stream(), Stream.of(ExpertSection.DEFAULT, StudyMergeSection.DEFAULT))
            .toList();

    private StudyRecipes() {}

    /**
     * Reads a recipe.
     *
     * @param overrides {@code key.path=value}, applied in order before the recipe is understood
     * @throws InputException with file, line, column, key and what would be right
     */
    public static StudyRecipe read(Path file, List<String> overrides) {
        var node = YamlReader.readFile(Recipes.text(file), file.toString());
        for (var override : overrides) {
            node = Overrides.apply(node, override);
        }
        var study = new Binder(DEFAULTS).bind(node, StudyRecipe.DEFAULT);
        if (study.experts().isEmpty()) {
            throw new InputException(file + ": experts is empty; give at least one kind, such as - name: lora.");
        }
        return study;
    }

    /** The recipe with every key that has a value. */
    public static String resolved(StudyRecipe study) {
        return RecipeWriter.bare(study);
    }
}
