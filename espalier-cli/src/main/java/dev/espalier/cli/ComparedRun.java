package dev.espalier.cli;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.error.InputException;
import dev.espalier.report.Contender;
import dev.espalier.report.RunHistory;
import dev.espalier.train.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A recipe of a comparison with one seed. */
record ComparedRun(ComparedRecipe recipe, long seed, SavedRun saved) {

    /** @param output of the comparison */
    static ComparedRun of(ComparedRecipe recipe, long seed, Path output) {
        var seeded = recipe.withSeed(seed);
        return new ComparedRun(seeded, seed, saved(seeded, seed, output.resolve("runs")));
    }

    /** The run of a recipe with the seed that it has, in the folder {@code runs}. */
    static SavedRun saved(ComparedRecipe seeded, long seed, Path runs) {
        return new SavedRun(
                seeded.name() + ", seed " + seed,
                seeded.name(),
                seeded.recipe(),
                new RunFolder(runs.resolve(seeded.name() + "-" + seed)));
    }

    /** Where it is. */
    RunFolder folder() {
        return saved.folder();
    }

    /** Its name among the runs. */
    String name() {
        return saved.name();
    }

    /** What came of it, once it is finished. */
    Contender.Run result() {
        var folder = saved.folder();
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
