package dev.espalier.cli;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.cli.recipe.RecipeKeys;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.error.InputException;
import dev.espalier.report.Contender;
import dev.espalier.report.RunHistory;
import dev.espalier.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A recipe of a comparison with one seed: an ordinary run in a folder of its own. */
record ComparedRun(ComparedRecipe recipe, long seed, RunFolder folder) {

    /** How far a run is. */
    enum State {
        NEW,
        STOPPED,
        FINISHED
    }

    /** @param output of the comparison */
    static ComparedRun of(ComparedRecipe recipe, long seed, Path output) {
        var name = recipe.name() + "-" + seed;
        return new ComparedRun(
                recipe.withSeed(seed),
                seed,
                new RunFolder(output.resolve("runs").resolve(name)));
    }

    /** Its name among the runs. */
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
        RecipeKeys.difference(before, recipe.recipe(), key -> !key.equals("output"))
                .ifPresent(difference -> {
                    throw new InputException("The run in " + folder.path() + " was started with " + difference.key()
                            + " " + difference.first() + ", but now it is " + difference.second()
                            + "; remove that run, or choose another --output.");
                });
    }

    /** What came of it, once it is finished. */
    Contender.Run result() {
        var weights = folder.adapter().resolve(AdapterFolder.WEIGHTS);
        try {
            return new Contender.Run(seed, RunHistory.read(folder.path()), Files.size(weights));
        } catch (IOException e) {
            throw new InputException(
                    "The run in " + folder.path() + " has lost its adapter: " + weights
                            + " can't be read; remove that run to train it again.",
                    e);
        }
    }
}
