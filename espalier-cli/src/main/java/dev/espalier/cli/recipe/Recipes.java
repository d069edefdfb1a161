package dev.espalier.cli.recipe;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Reads and writes recipes. */
public final class Recipes {
    /** The default of every section that is an item of a list or a variant; methods in the order they are shown. */
    static final List<Record> DEFAULTS = Stream.of(
                    List.of(LoraSection.DEFAULT, Ia3Section.DEFAULT, VeraSection.DEFAULT, AdaLoraSection.DEFAULT),
                    StructuredLoraSection.all(),
                    MixtureSection.all(),
                    SparseSection.all(),
                    List.of(FullSection.DEFAULT, HeadOnlySection.DEFAULT),
                    List.of(AllocationSection.DEFAULT, TaskSection.DEFAULT))
            .<Record>flatMap(List::stream)
            .toList();

    private Recipes() {}

    /**
     * Reads a recipe.
     *
     * @param overrides {@code key.path=value}, applied in order before the recipe is understood
     * @throws InputException with file, line, column, key and what would be right
     */
    public static Recipe read(Path file, List<String> overrides) {
        return parse(text(file), file.toString(), overrides);
    }

    /** Reads the text of a recipe; {@code source} is what messages call it. */
    public static Recipe parse(String text, String source, List<String> overrides) {
        var node = YamlReader.readFile(text, source);
        for (var override : overrides) {
            node = Overrides.apply(node, override);
        }
        var recipe = new Binder(DEFAULTS).bind(node, Recipe.DEFAULT);
        if (recipe.tasks().isEmpty()) {
            throw new InputException(
                    source + ": tasks is empty; give at least one, such as - builtin: noun-supersense.");
        }
        return recipe;
    }

    /**
     * The recipe with some keys changed.
     *
     * @param source what messages call it
     */
    public static Recipe changed(Recipe recipe, List<String> overrides, String source) {
        return overrides.isEmpty() ? recipe : parse(resolved(recipe), source, overrides);
    }

    /** Writes the recipe with every key that has a value, so that later defaults do not change what the run was. */
    public static void write(Recipe recipe, Path file) {
        AtomicFiles.writeString(file, resolved(recipe));
    }

    /** The recipe as {@link #write} writes it. */
    public static String resolved(Recipe recipe) {
        return RecipeWriter.bare(recipe);
    }

    /** A complete recipe for {@code method}, every key with its default and an explanation. */
    public static String template(String method) {
        var variants = Variants.of(AdapterSection.class, DEFAULTS);
        var chosen = variants.get(method);
        if (chosen == null) {
            throw new InputException("Unknown method '" + method + "'; did you mean '"
                    + Nearest.to(method, variants.keySet(), 1).get(0) + "'?");
        }
        var defaults = Recipe.DEFAULT;
        return """
                # A recipe of Espalier. Every key stands here with its default, those without one in comments: keep what you
                # change and remove the rest. Run it with: espalier train THIS-FILE
                # Paths are relative to the folder the command runs in.
                """
                + RecipeWriter.documented(new Recipe(
                        defaults.model(),
                        defaults.dtype(),
                        (AdapterSection) chosen,
                        null,
                        defaults.pooling(),
                        defaults.head(),
                        defaults.labelEmbeddings(),
                        List.of(TaskSection.builtin("noun-supersense")),
                        defaults.training(),
                        defaults.output()));
    }

    /** The methods that recipes know. */
    public static Set<String> methods() {
        return Variants.of(AdapterSection.class, DEFAULTS).keySet();
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new InputException(
                    "There is no recipe " + file + "; `espalier recipe --template` prints one to start from.", e);
        } catch (CharacterCodingException e) {
            throw new InputException(file + " is not UTF-8 text; a recipe must be.", e);
        } catch (IOException e) {
            throw new InputException("The recipe " + file + " cannot be read: " + e + ".", e);
        }
    }
}
