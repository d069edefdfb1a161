package dev.espalier.train;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.optim.Schedule;
import dev.espalier.tensor.Engine;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a run trains. {@link #builder()} starts from the defaults, which are the reference setting of the built-in tasks.
 *
 * @param epochs passes over the training split; a part of a pass counts as such
 * @param maxSteps optimizer steps in place of {@code epochs}; 0 goes by epochs
 * @param batchSize examples of an optimizer step
 * @param accumulation micro-batches that a batch is cut into: the same result to rounding, in less memory
 * @param maxTokens tokens of a row at most, never more than the model has positions for; 0 for
 *     {@link #DEFAULT_MAX_TOKENS}, or {@link #DEFAULT_MAX_TOKENS_OF_TEXTS} where a task asks for texts
 * @param rows how a batch's rows are made up
 * @param optimizer what turns gradients into updates
 * @param learningRate the schedule's peak
 * @param schedule the name of what the rate does after the warm-up; see {@link Schedule#named}
 * @param warmUpRatio share of all steps over which the rate rises from 0
 * @param warmUpSteps the same as a number of steps, in place of the ratio where it is above 0
 * @param weightDecay decoupled, on everything that is trained
 * @param clipNorm 2-norm that a step's gradient is scaled down to; 0 for no clipping
 * @param seed draws first weights, order and dropout
 * @param evaluateEvery steps from validation to validation; 0 for one at the end of each epoch
 * @param generateTokens where a task asks for texts: answers of so many tokens at most are written and compared in the
 *     test, and in validation where the metric is of that kind; 0 for none
 * @param metric what chooses the best checkpoint; null for each task's own, the mean over several tasks
 * @param patience validations without a better one after which the run stops; 0 never stops early
 * @param dtype of the frozen weights and of the products: {@code fp32} or {@code bf16}, which is the default where the CPU
 *     multiplies it in hardware ({@link Engine#usualDtype}); what is trained stays fp32
 * @param gradientCheckpointing whether a decoder's blocks keep their input only and are computed again in backward:
 *     the same gradients in less memory and more time
 * @param prefix how the layers below everything that is trained are treated
 * @param workers threads that each take a part of a batch; 0 for what is fastest here
 * @param log what the run writes of itself
 */
public record TrainingOptions(
        double epochs,
        int maxSteps,
        int batchSize,
        int accumulation,
        int maxTokens,
        @JsonUnwrapped RowOptions rows,
        OptimizerKind optimizer,
        double learningRate,
        String schedule,
        double warmUpRatio,
        int warmUpSteps,
        double weightDecay,
        double clipNorm,
        long seed,
        int evaluateEvery,
        int generateTokens,
        @Nullable String metric,
        int patience,
        String dtype,
        boolean gradientCheckpointing,
        @JsonUnwrapped(prefix = "prefix-") PrefixOptions prefix,
        int workers,
        @JsonUnwrapped LogOptions log) {
    public static final double DEFAULT_EPOCHS = 3;
    public static final int DEFAULT_BATCH_SIZE = 32;
    /** Of tasks that ask for labels or numbers: longer than nearly every text of the built-in tasks. */
    public static final int DEFAULT_MAX_TOKENS = 96;

    /** Of tasks that ask for texts. */
    public static final int DEFAULT_MAX_TOKENS_OF_TEXTS = 1024;

    public static final double DEFAULT_LEARNING_RATE = 1e-3;
    public static final String DEFAULT_SCHEDULE = "linear";
    /**
     * What Hugging Face's trainer clips at, so that runs compare; gradients are mostly below it, and one odd batch cannot
     * undo many good ones.
     */
    public static final double DEFAULT_CLIP_NORM = 1;

    /** All defaults. */
    public static final TrainingOptions DEFAULT = new TrainingOptions(
            DEFAULT_EPOCHS,
            0,
            DEFAULT_BATCH_SIZE,
            1,
            0,
            RowOptions.DEFAULT,
            OptimizerKind.ADAMW,
            DEFAULT_LEARNING_RATE,
            DEFAULT_SCHEDULE,
            0,
            0,
            0,
            DEFAULT_CLIP_NORM,
            0,
            0,
            0,
            null,
            0,
            Engine.usualDtype(),
            false,
            PrefixOptions.DEFAULT,
            0,
            LogOptions.DEFAULT);

    /** @throws InputException for a number out of range or an unknown name; it says which */
    public TrainingOptions {
        require(maxSteps > 0 || (epochs > 0 && Double.isFinite(epochs)), "epochs", epochs, "above 0");
        require(maxSteps >= 0, "steps", maxSteps, "at least 0");
        require(batchSize >= 1, "batch-size", batchSize, "at least 1");
        require(accumulation >= 1, "accumulation", accumulation, "at least 1");
        require(accumulation <= batchSize, "accumulation", accumulation, "no more than batch-size, " + batchSize);
        require(maxTokens == 0 || maxTokens >= 2, "max-tokens", maxTokens, "0 or at least 2");
        require(weightDecay >= 0 && Double.isFinite(weightDecay), "weight-decay", weightDecay, "at least 0");
        require(clipNorm >= 0, "clip-norm", clipNorm, "at least 0");
        require(evaluateEvery >= 0, "evaluate-every", evaluateEvery, "at least 0");
        require(generateTokens >= 0, "generate-tokens", generateTokens, "at least 0");
        require(patience >= 0, "patience", patience, "at least 0");
        require(workers >= 0, "workers", workers, "at least 0");
        require(warmUpSteps >= 0, "warm-up-steps", warmUpSteps, "at least 0");
        Schedule.named(schedule, learningRate, Schedule.warmupSteps(warmUpRatio, 1), 1);
        Engine.dtype(dtype);
    }

    private static void require(boolean holds, String key, Object value, String range) {
        if (!holds) {
            throw new InputException("The option " + key + " must be " + range + ", not " + value + ".");
        }
    }

    /** Tokens of a row at most, for these tasks. */
    int maxTokens(List<TaskData> tasks) {
        if (maxTokens > 0) {
            return maxTokens;
        }
        boolean texts = tasks.stream().anyMatch(task -> task.kind() == TaskKind.CAUSAL_LM);
        return texts ? DEFAULT_MAX_TOKENS_OF_TEXTS : DEFAULT_MAX_TOKENS;
    }

    /** Optimizer steps of the whole run. */
    int steps(int batchesPerEpoch) {
        return maxSteps > 0 ? maxSteps : Math.max(1, (int) Math.ceil(epochs * batchesPerEpoch - 1e-9));
    }

    /** The learning rate over that many steps. */
    Schedule schedule(int steps) {
        int warmUp = warmUpSteps > 0 ? warmUpSteps : Schedule.warmupSteps(warmUpRatio, steps);
        return Schedule.named(schedule, learningRate, warmUp, steps);
    }

    /** Starts from the defaults. */
    public static Builder builder() {
        return DEFAULT.toBuilder();
    }

    /** Starts from these options. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Sets options by name; what is not set stays as it was. */
    public static final class Builder {
        private double epochs;
        private int maxSteps;
        private int batchSize;
        private int accumulation;
        private int maxTokens;
        private RowOptions rows;
        private OptimizerKind optimizer;
        private double learningRate;
        private String schedule;
        private double warmUpRatio;
        private int warmUpSteps;
        private double weightDecay;
        private double clipNorm;
        private long seed;
        private int evaluateEvery;
        private int generateTokens;
        private @Nullable String metric;
        private int patience;
        private String dtype;
        private boolean gradientCheckpointing;
        private PrefixOptions prefix;
        private int workers;
        private LogOptions log;

        private Builder(TrainingOptions from) {
            epochs = from.epochs;
            maxSteps = from.maxSteps;
            batchSize = from.batchSize;
            accumulation = from.accumulation;
            maxTokens = from.maxTokens;
            rows = from.rows;
            optimizer = from.optimizer;
            learningRate = from.learningRate;
            schedule = from.schedule;
            warmUpRatio = from.warmUpRatio;
            warmUpSteps = from.warmUpSteps;
            weightDecay = from.weightDecay;
            clipNorm = from.clipNorm;
            seed = from.seed;
            evaluateEvery = from.evaluateEvery;
            generateTokens = from.generateTokens;
            metric = from.metric;
            patience = from.patience;
            dtype = from.dtype;
            gradientCheckpointing = from.gradientCheckpointing;
            prefix = from.prefix;
            workers = from.workers;
            log = from.log;
        }

        /** Passes over the training split. */
        public Builder epochs(double value) {
            epochs = value;
            return this;
        }

        /** Optimizer steps in place of epochs. */
        public Builder maxSteps(int value) {
            maxSteps = value;
            return this;
        }

        public Builder batchSize(int value) {
            batchSize = value;
            return this;
        }

        public Builder accumulation(int value) {
            accumulation = value;
            return this;
        }

        public Builder maxTokens(int value) {
            maxTokens = value;
            return this;
        }

        /** Whether several short examples share a row. */
        public Builder packing(boolean value) {
            return rows(rows.packed(value));
        }

        /** How a batch's rows are made up. */
        public Builder rows(RowOptions value) {
            rows = value;
            return this;
        }

        public Builder optimizer(OptimizerKind value) {
            optimizer = value;
            return this;
        }

        public Builder learningRate(double value) {
            learningRate = value;
            return this;
        }

        /** {@code constant}, {@code linear}, {@code cosine} or {@code inverse-sqrt}. */
        public Builder schedule(String value) {
            schedule = value;
            return this;
        }

        public Builder warmUpRatio(double value) {
            warmUpRatio = value;
            return this;
        }

        public Builder warmUpSteps(int value) {
            warmUpSteps = value;
            return this;
        }

        public Builder weightDecay(double value) {
            weightDecay = value;
            return this;
        }

        public Builder clipNorm(double value) {
            clipNorm = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder evaluateEvery(int value) {
            evaluateEvery = value;
            return this;
        }

        /** Tokens of an answer that is written to be compared; 0 for none. */
        public Builder generateTokens(int value) {
            generateTokens = value;
            return this;
        }

        /** A metric's name, such as {@code macro-f1}; null for each task's own. */
        public Builder metric(@Nullable String value) {
            metric = value;
            return this;
        }

        public Builder patience(int value) {
            patience = value;
            return this;
        }

        /** {@code fp32} or {@code bf16}. */
        public Builder dtype(String value) {
            dtype = value;
            return this;
        }

        /** Whether blocks are computed again in backward, to save memory. */
        public Builder gradientCheckpointing(boolean value) {
            gradientCheckpointing = value;
            return this;
        }

        /** How the layers below everything that is trained are treated. */
        public Builder prefix(PrefixOptions value) {
            prefix = value;
            return this;
        }

        public Builder workers(int value) {
            workers = value;
            return this;
        }

        /** What the run writes of itself. */
        public Builder log(LogOptions value) {
            log = value;
            return this;
        }

        /** Steps from one line of training metrics to the next. */
        public Builder logEvery(int value) {
            return log(log.every(value));
        }

        /**
         * The options.
         *
         * @throws InputException for a number out of range or an unknown name; it says which
         */
        public TrainingOptions build() {
            return new TrainingOptions(
                    epochs,
                    maxSteps,
                    batchSize,
                    accumulation,
                    maxTokens,
                    rows,
                    optimizer,
                    learningRate,
                    schedule,
                    warmUpRatio,
                    warmUpSteps,
                    weightDecay,
                    clipNorm,
                    seed,
                    evaluateEvery,
                    generateTokens,
                    metric,
                    patience,
                    dtype,
                    gradientCheckpointing,
                    prefix,
                    workers,
                    log);
        }
    }
}
