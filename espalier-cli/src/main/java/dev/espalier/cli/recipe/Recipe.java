package dev.espalier.cli.recipe;

import dev.espalier.model.Pooling;
import dev.espalier.train.TrainingOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A run, as its YAML file describes it; the keys' documentation is on the components. */
public record Recipe(
        @Key(
                "The frozen model: all-minilm-l6-v2 (comes with Espalier), bge-small-en-v1.5 or e5-small-v2 (downloaded from Maven Central), a name in the local Hugging Face cache, or a folder in Hugging Face's layout.")
        String model,

        @Key(
                "Number type of the frozen weights: bf16, the default where the CPU multiplies it in hardware, or fp32. What is trained is always kept in fp32.")
        Dtype dtype,

        @Key("What is trained beside the heads.") AdapterSection adapter,

        @Key(
                "How many experts, or which rank, each module gets, decided before training; for lora-smoe where nothing is written here: percentile for several tasks, proportional for one.")
        @Nullable AllocationSection allocation,

        @Key(
                "What the head of a whole text reads: the first token through the model family's own dense layer (default), the first token as it is, or the mean of the tokens.")
        Pooling pooling,

        @Key(
                "What answers a whole text: a classifier, which is trained, or label-embeddings: the label whose description is nearest, so that adapters of several tasks can be merged and tasks scored that were never trained. A task of kind choice always goes by the embeddings of its candidates.")
        HeadName head,

        @Key(
                "How texts are compared, where the head is label-embeddings; the mean of the tokens is the default pooling then.")
        LabelEmbeddingsSection labelEmbeddings,

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
        @Nullable String output)
        implements Checked {
    static final Recipe DEFAULT = new Recipe(
            "all-minilm-l6-v2",
            Dtype.usual(),
            LoraSection.DEFAULT,
            null,
            Pooling.DEFAULT,
            HeadName.CLASSIFIER,
            LabelEmbeddingsSection.DEFAULT,
            List.of(),
            TrainingSection.DEFAULT,
            null);

    public Recipe {
        tasks = List.copyOf(tasks);
    }

    /** The same recipe with the run in another folder. */
    public Recipe withOutput(String folder) {
        return new Recipe(model, dtype, adapter, allocation, pooling, head, labelEmbeddings, tasks, training, folder);
    }

    /** What the library needs to know of the training. */
    public TrainingOptions options() {
        return training.options(dtype);
    }

    @Override
    public void check() {
        options();
    }
}
