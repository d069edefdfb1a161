package dev.espalier.cli;

import dev.espalier.cli.recipe.Recipe;
import dev.espalier.cli.recipe.RecipeKeys;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.error.InputException;
import dev.espalier.report.RunHistory;
import dev.espalier.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/**
 * One of the runs that a command carries out: an ordinary run in a folder of its own.
 *
 * @param title what messages call it
 * @param group runs of one group take about as long
 */
record SavedRun(String title, String group, Recipe recipe, RunFolder folder) {

    /** How far a run is. */
    enum State {
        NEW,
        STOPPED,
        FINISHED
    }

    /** The folder's name. */
    String name() {
        return folder.path().getFileName().toString();
    }

    /**
     * What its folder tells.
     *
     * @throws InputException if the folder holds something else, or a run of another recipe; it says which key differs
     */
    State state() {
        if (!Files.exists(folder.path()) || isEmpty()) {
            return State.NEW;
        }
        if (!Files.exists(folder.recipe()) || !Files.exists(folder.state())) {
            throw new InputException(folder.path() + " holds no run that can be gone on with: "
                    + (Files.exists(folder.recipe()) ? "it has no saved state" : "it has no recipe")
                    + "; remove it, or choose another --output.");
        }
        requireSameRecipe();
        return RunHistory.read(folder.path()).summary().isPresent() ? State.FINISHED : State.STOPPED;
    }

    private boolean isEmpty() {
        try (var entries = Files.list(folder.path())) {
            return entries.findAny().isEmpty();
        } catch (IOException e) {
            throw new InputException(folder.path() + " can't be read as a folder: " + e.getMessage() + ".", e);
        }
    }

    private void requireSameRecipe() {
        var before = Recipes.read(folder.recipe(), List.of());
        RecipeKeys.difference(before, recipe, key -> !key.equals("output")).ifPresent(difference -> {
            throw new InputException("The run in " + folder.path() + " was started with " + difference.key() + " "
                    + difference.first() + ", but now it is " + difference.second()
                    + "; remove that run, or choose another --output.");
        });
    }
}
