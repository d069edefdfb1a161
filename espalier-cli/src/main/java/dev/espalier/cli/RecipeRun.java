package dev.espalier.cli;

import dev.espalier.cli.recipe.HeadName;
import dev.espalier.cli.recipe.Recipe;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskLoader;
import dev.espalier.tensor.Engine;
import dev.espalier.train.ProgressListener;
import dev.espalier.train.Trainer;
import dev.espalier.train.Training;
import dev.espalier.train.TrainingGroup;
import dev.espalier.train.TrainingResult;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;

/** Trains what a recipe describes, where the user sees how it goes and can stop it. */
final class RecipeRun {
    private final Recipe recipe;
    private final Path folder;

    /** @param folder of the run, in place of the recipe's */
    RecipeRun(Recipe recipe, Path folder) {
        this.recipe = recipe.withOutput(folder.toString());
        this.folder = folder;
    }

    /** The examples of a recipe's tasks. */
    static List<TaskData> tasks(Recipe recipe) {
        return recipe.tasks().stream()
                .map(task -> TaskLoader.load(task.spec(), Path.of("")))
                .toList();
    }

    /** What a recipe says to train, on its tasks' examples. */
    static Training training(Recipe recipe, List<TaskData> tasks) {
        var training = Training.of(recipe.model())
                .adapter(recipe.adapter().spec())
                .pooling(recipe.pooling())
                .options(recipe.options());
        if (recipe.head() == HeadName.LABEL_EMBEDDINGS) {
            training = training.labelEmbeddings(recipe.labelEmbeddings().settings());
        }
        for (var task : tasks) {
            training = training.task(task);
        }
        var allocation = recipe.allocation();
        return allocation == null ? training : training.allocation(allocation.plan(training.adapter(), tasks.size()));
    }

    /** Trains from the start, or from where the run was stopped. */
    TrainingResult run(List<TaskData> tasks, boolean resume, PrintWriter err) {
        // On the main thread, before others use tensors.
        Engine.load();
        try (var progress = Progress.on(err)) {
            var trainer = described(tasks, progress).trainer(folder);
            try (var interrupts = new Interrupts(() -> stop(trainer, err))) {
                return resume ? trainer.resume() : trainer.run();
            }
        }
    }

    /** Who trains it as one of several. */
    Trainer trainer(List<TaskData> tasks, ProgressListener progress, TrainingGroup group) {
        return group.trainer(described(tasks, progress), folder);
    }

    private Training described(List<TaskData> tasks, ProgressListener progress) {
        return training(recipe, tasks).recipe(Recipes.resolved(recipe)).listener(progress);
    }

    private static void stop(Trainer trainer, PrintWriter err) {
        tellStopping(err);
        trainer.stop();
    }

    /** Says what the first interrupt does. */
    static void tellStopping(PrintWriter err) {
        err.println();
        err.println("Stopping after this step; the state is saved. Interrupt again to stop at once and lose it.");
        err.flush();
    }
}
