package dev.espalier.train;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskLoader;
import dev.espalier.data.TaskSpec;
import dev.espalier.error.InputException;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.Pooling;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is to be trained, on what and how. {@link #of} starts a description, the other methods refine copies of it, and
 * {@link #run} carries it out:
 *
 * <pre>{@code
 * var result = Training.of("all-minilm-l6-v2")
 *         .task(TaskSpec.builtin("noun-supersense"))
 *         .adapter(LoraSpec.defaults())
 *         .run(Path.of("runs/first"));
 * }</pre>
 *
 * @param model name or folder of the frozen model; see {@link dev.espalier.checkpoint.ModelLocator#locate}
 * @param tasks at least one when it runs, each with a name of its own; they share the adapter, each has its own head
 * @param adapter what is trained beside the heads
 * @param allocation how experts or ranks are given out before it is trained; empty for as the adapter says
 * @param pooling what a head for whole texts reads
 * @param labelEmbeddings how texts are compared with the texts of labels; empty for heads that are classifiers
 * @param options how it is trained
 * @param recipe the text for {@code recipe.yaml}; empty to write none
 * @param listener is told how it goes
 */
public record Training(
        String model,
        List<TaskData> tasks,
        AdapterSpec adapter,
        Optional<AllocationPlan> allocation,
        Pooling pooling,
        Optional<LabelEmbeddings> labelEmbeddings,
        TrainingOptions options,
        String recipe,
        ProgressListener listener) {
    public Training {
        tasks = List.copyOf(tasks);
        var names = new HashSet<String>();
        for (var task : tasks) {
            if (!names.add(task.name())) {
                throw new InputException("Two tasks are called '" + task.name() + "'; give each a name of its own.");
            }
            if (task.train().isEmpty()) {
                throw new InputException("Task '" + task.name() + "' has no training examples.");
            }
        }
    }

    /** A description with LoRA, the default options and no task yet. */
    public static Training of(String model) {
        return new Training(
                model,
                List.of(),
                LoraSpec.defaults(),
                Optional.empty(),
                Pooling.DEFAULT,
                Optional.empty(),
                TrainingOptions.DEFAULT,
                "",
                ProgressListener.NONE);
    }

    /** With one more task. */
    public Training task(TaskData task) {
        var more = Stream.concat(tasks.stream(), Stream.of(task)).toList();
        return new Training(model, more, adapter, allocation, pooling, labelEmbeddings, options, recipe, listener);
    }

    /**
     * With one more task, read now; its relative paths start at the working directory.
     *
     * @throws InputException if a file, column, row or label is wrong; it says which
     */
    public Training task(TaskSpec task) {
        return task(TaskLoader.load(task, Path.of("")));
    }

    /** With this adapter. */
    public Training adapter(AdapterSpec given) {
        return new Training(model, tasks, given, allocation, pooling, labelEmbeddings, options, recipe, listener);
    }

    /** With experts or ranks that are given out by this plan before it is trained. */
    public Training allocation(AllocationPlan given) {
        return new Training(
                model, tasks, adapter, Optional.of(given), pooling, labelEmbeddings, options, recipe, listener);
    }

    /** With heads that read this. */
    public Training pooling(Pooling given) {
        return new Training(model, tasks, adapter, allocation, given, labelEmbeddings, options, recipe, listener);
    }

    /** With labels that are told by their texts, not by trained heads. */
    public Training labelEmbeddings(LabelEmbeddings given) {
        return new Training(model, tasks, adapter, allocation, pooling, Optional.of(given), options, recipe, listener);
    }

    /** With these options. */
    public Training options(TrainingOptions given) {
        return new Training(model, tasks, adapter, allocation, pooling, labelEmbeddings, given, recipe, listener);
    }

    /** With a recipe that is kept in the run folder. */
    public Training recipe(String text) {
        return new Training(model, tasks, adapter, allocation, pooling, labelEmbeddings, options, text, listener);
    }

    /** With a listener that is told how it goes. */
    public Training listener(ProgressListener given) {
        return new Training(model, tasks, adapter, allocation, pooling, labelEmbeddings, options, recipe, given);
    }

    /** Who carries it out in {@code folder}; it can be stopped from another thread. */
    public Trainer trainer(Path folder) {
        return new Trainer(this, folder, Optional.empty());
    }

    /**
     * Trains into a new folder.
     *
     * @throws InputException if the input is wrong, the folder exists, or the loss stops being a number
     */
    public TrainingResult run(Path folder) {
        return trainer(folder).run();
    }

    /**
     * Goes on with the run that was stopped in {@code folder}; the result is the same to the bit as if it had not been.
     *
     * @throws InputException if there is nothing to go on with, or this description is not the run's
     */
    public TrainingResult resume(Path folder) {
        return trainer(folder).resume();
    }
}
