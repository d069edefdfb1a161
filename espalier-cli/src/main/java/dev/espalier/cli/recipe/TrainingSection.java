package dev.espalier.cli.recipe;

import dev.espalier.train.LogOptions;
import dev.espalier.train.OptimizerKind;
import dev.espalier.train.PrefixOptions;
import dev.espalier.train.RowOptions;
import dev.espalier.train.TrainingOptions;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The training loop; see {@link TrainingOptions}, which it becomes together with the recipe's dtype. */
public record TrainingSection(
        @Key(value = "Passes over the training split.", above = 0)
        double epochs,

        @Key(value = "Optimizer steps in place of epochs; 0 to go by epochs.", atLeast = 0)
        int steps,

        @Key(value = "Examples per optimizer step, over all micro-batches.", atLeast = 1)
        int batchSize,

        @Key(value = "Micro-batches that a batch is cut into: the same result in less memory.", atLeast = 1)
        int accumulation,

        @Key(
                value =
                        "Tokens of a row at most, never more than the model can read; 0 for 96, or 1024 where a task asks for texts. Longer texts are cut; see causal-lm for those of decoders.",
                atLeast = 0)
        int maxTokens,

        @Key("Whether several short examples of a task that asks for texts share a row, kept apart: less padding.")
        boolean packing,

        @Key(
                "Which rows come together in a batch: shuffled ones of like lengths (like-lengths), which saves padding, or any.")
        RowOptions.Order rowOrder,

        @Key(
                "What rows are padded to: what the model needs (needed), which is nothing where sequences of texts may follow one another; the longest of their batch (longest); or max-tokens.")
        RowOptions.Padding padding,

        @Key(
                "For which tokens of a task that asks for texts logits are computed: where labels are, some at a time (labels), or for all at once, as plain implementations do.")
        RowOptions.Logits logits,

        @Key(
                "How decoders' attention hides what a token may not see: tiles, which leave most of it out, or one-mask over all of a row, as plain implementations do.")
        RowOptions.Attention attention,

        @Key("The optimizer.") OptimizerKind optimizer,

        @Key(value = "Peak of the learning rate.", above = 0)
        double learningRate,

        @Key("What the learning rate does after the warm-up.")
        ScheduleName schedule,

        @Key(value = "Share of all steps over which the learning rate rises from 0.", atLeast = 0, atMost = 1)
        double warmUpRatio,

        @Key(value = "The same as a number of steps; 0 to go by the ratio.", atLeast = 0)
        int warmUpSteps,

        @Key(value = "Decoupled weight decay, on everything that is trained.", atLeast = 0)
        double weightDecay,

        @Key(value = "A step's gradient is scaled down to this norm at most; 0 for no clipping.", atLeast = 0)
        double clipNorm,

        @Key("Seed of first weights, order and dropout: the same seed gives the same run.")
        long seed,

        @Key(value = "Steps from one validation to the next; 0 for one at the end of each epoch.", atLeast = 0)
        int evaluateEvery,

        @Key(
                value =
                        "Where a task asks for texts: answers of so many tokens at most are written in the test and compared (exact match, ROUGE-L); 0 for none.",
                atLeast = 0)
        int generateTokens,

        @Key(
                value =
                        "What chooses the best checkpoint: accuracy, macro-f1, matthews, micro-f1, subset-accuracy, mse, pearson, spearman, span-f1, perplexity, token-accuracy, rouge-l, exact-match or loss; by default what fits the task.",
                example = "macro-f1")
        @Nullable String metric,

        @Key(value = "Stop after this many validations without a better one; 0 to go on to the end.", atLeast = 0)
        int patience,

        @Key(
                "Whether a decoder's blocks are computed again in backward: the same gradients in less memory and more time.")
        boolean gradientCheckpointing,

        @Key(
                value =
                        "Megabytes on disk that may hold what enters the lowest adapted layer, computed once for each example and not in every epoch; 0 for none. Upper layers must be adapted alone.",
                atLeast = 0)
        int prefixCacheMb,

        @Key(
                "Whether the model's own dropout acts below the lowest adapted layer in training; with prefix-cache-mb it may not.")
        boolean prefixDropout,

        @Key(value = "Threads that each take a part of a batch; 0 for what is fastest here.", atLeast = 0)
        int workers,

        @Key(value = "Steps from one line in metrics.jsonl to the next.", atLeast = 1)
        int logEvery,

        @Key("Whether to write the metrics to metrics.csv too, a row for every number.")
        boolean csv,

        @Key("Whether to write them for TensorBoard too, to the folder tensorboard.")
        boolean tensorboard,

        @Key("Whether to measure what steps spend their time and memory on; train --profile does.")
        boolean profile) {
    static final TrainingSection DEFAULT = of(TrainingOptions.DEFAULT);

    private static TrainingSection of(TrainingOptions options) {
        return new TrainingSection(
                options.epochs(),
                options.maxSteps(),
                options.batchSize(),
                options.accumulation(),
                options.maxTokens(),
                options.rows().packing(),
                options.rows().rowOrder(),
                options.rows().padding(),
                options.rows().logits(),
                options.rows().attention(),
                options.optimizer(),
                options.learningRate(),
                ScheduleName.valueOf(options.schedule().toUpperCase(Locale.ROOT).replace('-', '_')),
                options.warmUpRatio(),
                options.warmUpSteps(),
                options.weightDecay(),
                options.clipNorm(),
                options.seed(),
                options.evaluateEvery(),
                options.generateTokens(),
                options.metric(),
                options.patience(),
                options.gradientCheckpointing(),
                options.prefix().cacheMb(),
                options.prefix().dropout(),
                options.workers(),
                options.log().logEvery(),
                options.log().csv(),
                options.log().tensorboard(),
                options.log().profile());
    }

    TrainingOptions options(Dtype dtype) {
        return TrainingOptions.builder()
                .epochs(epochs)
                .maxSteps(steps)
                .batchSize(batchSize)
                .accumulation(accumulation)
                .maxTokens(maxTokens)
                .rows(new RowOptions(packing, rowOrder, padding, logits, attention))
                .optimizer(optimizer)
                .learningRate(learningRate)
                .schedule(Field.kebab(schedule))
                .warmUpRatio(warmUpRatio)
                .warmUpSteps(warmUpSteps)
                .weightDecay(weightDecay)
                .clipNorm(clipNorm)
                .seed(seed)
                .evaluateEvery(evaluateEvery)
                .generateTokens(generateTokens)
                .metric(metric)
                .patience(patience)
                .dtype(Field.kebab(dtype))
                .gradientCheckpointing(gradientCheckpointing)
                .prefix(new PrefixOptions(prefixCacheMb, prefixDropout))
                .workers(workers)
                .log(new LogOptions(logEvery, csv, tensorboard, profile))
                .build();
    }
}
