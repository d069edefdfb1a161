package dev.espalier.cli.recipe;

import org.jspecify.annotations.Nullable;

/** The training loop; the keys' documentation is on the components. */
public record TrainingSection(
        @Key(value = "Passes over the training split.", above = 0)
        double epochs,

        @Key(value = "Optimizer steps; replaces epochs.", example = "1000", atLeast = 1) @Nullable Integer steps,

        @Key(value = "Examples per optimizer step, over all micro-batches.", atLeast = 1)
        int batchSize,

        @Key(value = "Micro-batches that a batch is cut into: the same result in less memory.", atLeast = 1)
        int accumulation,

        @Key(value = "Texts are cut after this many tokens; never more than the model can read.", atLeast = 2)
        int maxTokens,

        @Key("The optimizer.") OptimizerName optimizer,

        @Key(value = "Peak of the learning rate.", above = 0)
        double learningRate,

        @Key("What the learning rate does after the warm-up.")
        ScheduleName schedule,

        @Key(value = "Share of all steps over which the learning rate rises from 0.", atLeast = 0, atMost = 1)
        double warmUpRatio,

        @Key(value = "The same as a number of steps; replaces warm-up-ratio.", example = "100", atLeast = 0) @Nullable Integer warmUpSteps,

        @Key(value = "Weight decay.", atLeast = 0) double weightDecay,

        @Key(value = "Gradients are scaled down to this norm at most; 0 for no clipping.", atLeast = 0)
        double clipNorm,

        @Key("Seed of initial weights, order and dropout: the same seed gives the same run.")
        long seed,

        @Key(
                value = "Steps between validations; by default one at the end of each epoch.",
                example = "100",
                atLeast = 1)
        @Nullable Integer evaluateEvery,

        @Key(
                value =
                        "What chooses the best checkpoint on the validation split: accuracy, macro-f1, matthews, pearson, spearman, span-f1, loss; by default what fits the task.",
                example = "macro-f1")
        @Nullable String metric,

        @Key(value = "Stop after this many validations without a better one.", example = "3", atLeast = 1) @Nullable Integer patience,

        @Key(
                value = "Threads that each train on a part of the batch; by default what is fastest here.",
                example = "2",
                atLeast = 1)
        @Nullable Integer workers) {
    /** The reference setting of the built-in tasks. */
    public static final TrainingSection DEFAULT = new TrainingSection(
            3,
            null,
            32,
            1,
            128,
            OptimizerName.ADAMW,
            1e-3,
            ScheduleName.LINEAR,
            0,
            null,
            0.01,
            1,
            0,
            null,
            null,
            null,
            null);
}
