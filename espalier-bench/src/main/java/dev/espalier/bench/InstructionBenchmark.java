package dev.espalier.bench;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.Packing;
import dev.espalier.error.InputException;
import dev.espalier.model.CausalLmHead;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.FullLogitsHead;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.report.StepProfile;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Profile;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.train.StepTask;
import dev.espalier.train.TrainingStep;
import dev.espalier.train.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.Tensor;

/**
 * Instruction tuning: an epoch over examples whose prompts are masked, as {@code train} takes it and with plain settings,
 * in turn. Lengths are log-normal, like those of school problems with worked answers (GSM8K, Cobbe et al., arXiv
 * 2110.14168, in a chat template): half of the prompts have fewer than 90 tokens, half of the answers fewer than 110.
 */
public final class InstructionBenchmark {
    private static final double PROMPT = 90;
    private static final double ANSWER = 110;
    private static final double SPREAD = 0.45;
    private static final int LEAST_TOKENS = 8;
    private static final int LONGEST = 1;
    private static final int MAX_TOKENS = -1;

    private InstructionBenchmark() {}

    /**
     * What to measure.
     *
     * @param dtype {@code fp32} or {@code bf16}
     * @param examples of an epoch
     * @param batch examples of a step with plain settings, and about as many where they are packed
     * @param maxTokens of a row; longer examples are cut
     * @param epochs that are timed after one to warm up
     * @param profile whether to measure what steps spend their time on
     */
    public record Options(
            Shape shape,
            String dtype,
            int examples,
            int batch,
            int maxTokens,
            AdapterSpec spec,
            int epochs,
            boolean profile) {
        public Options {
            if (examples < batch || batch < 1 || epochs < 1 || maxTokens < 4 * LEAST_TOKENS) {
                throw new InputException(
                        "There must be at least as many examples as a batch has, 1 in a batch, 1 epoch and "
                                + 4 * LEAST_TOKENS + " tokens, but there are " + examples + ", " + batch + ", " + epochs
                                + " and "
                                + maxTokens + ".");
            }
        }
    }

    /** How steps are taken. */
    public enum Setting {
        /** As training does it. */
        USUAL("usual", false, true, 0, true, 0),
        /** Rows are packed before. */
        PACKED("packed", true, true, 0, true, 0),
        /** Rows of like lengths are padded. */
        PADDED("padded among like lengths", false, true, LONGEST, true, 0),
        /** Rows come in any order, all scores and logits are computed, and one worker has all threads. */
        PLAIN("plain, padded to the longest", false, false, LONGEST, false, 1),
        /** The same with every row as long as rows may be. */
        PLAINEST("plain, padded to max-tokens", false, false, MAX_TOKENS, false, 1);

        private final String title;
        private final boolean packing;
        private final boolean likeLengths;
        private final int padding;
        private final boolean sparing;
        private final int workers;

        Setting(String title, boolean packing, boolean likeLengths, int padding, boolean sparing, int workers) {
            this.title = title;
            this.packing = packing;
            this.likeLengths = likeLengths;
            this.padding = padding;
            this.sparing = sparing;
            this.workers = workers;
        }

        /** Its name in tables. */
        public String title() {
            return title;
        }

        private List<List<EncodedExample>> rows(List<EncodedExample> examples, int maxTokens) {
            return packing ? Packing.pack(examples, maxTokens, 0) : Batcher.alone(examples);
        }

        private Batcher.Shape shape(int rows, int maxTokens) {
            return new Batcher.Shape(rows, likeLengths, padding == MAX_TOKENS ? maxTokens : padding);
        }

        private Head head(CausalLmHead head) {
            return sparing ? head : new FullLogitsHead(head);
        }
    }

    /**
     * An epoch of one setting, the median.
     *
     * @param computedTokens with padding
     * @param tokens without
     * @param labels answers asked
     * @param profile of a step, if it was asked for
     */
    public record Result(
            Setting setting,
            double seconds,
            long computedTokens,
            long tokens,
            long labels,
            Optional<StepProfile> profile) {
        /** Tokens a second from which something is learned. */
        public double labelsPerSecond() {
            return labels / seconds;
        }
    }

    /** Measures all settings. */
    public static List<Result> run(Options options) {
        var dtype = Engine.dtype(options.dtype());
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open();
                var model = options.shape().workload().model(dtype);
                var adapter = Adapter.create(
                        "bench", options.spec(), model, RandomStream.of(0).at("adapter"))) {
            if (!(model instanceof DecoderModel decoder)) {
                throw new InputException("The shape " + options.shape().key()
                        + " is an encoder's, which writes no answers; choose a decoder's.");
            }
            var examples = examples(options, decoder);
            var sides = new ArrayList<Side>();
            try {
                for (var setting : Setting.values()) {
                    sides.add(new Side(setting, decoder, adapter, examples, options));
                }
                for (int epoch = -1; epoch < options.epochs(); epoch++) {
                    for (var side : sides) {
                        side.epoch(epoch);
                    }
                }
                return sides.stream().map(Side::result).toList();
            } finally {
                sides.forEach(Side::close);
            }
        }
    }

    private static List<EncodedExample> examples(Options options, DecoderModel model) {
        var random = new SplittableRandom(1);
        long vocabulary = model.lmHead().linears().get(0).outFeatures();
        var examples = new ArrayList<EncodedExample>();
        for (int i = 0; i < options.examples(); i++) {
            int prompt = Math.min(options.maxTokens() - LEAST_TOKENS, length(PROMPT, random));
            int all = Math.min(options.maxTokens(), prompt + length(ANSWER, random));
            var ids = random.ints(all, 0, (int) vocabulary).toArray();
            var labels = ids.clone();
            Arrays.fill(labels, 0, prompt, Batch.IGNORED);
            examples.add(new EncodedExample(0, i, ids, new int[all], labels, new float[0]));
        }
        return examples;
    }

    private static int length(double median, SplittableRandom random) {
        return Math.max(LEAST_TOKENS, (int) Math.round(median * Math.exp(SPREAD * random.nextGaussian())));
    }

    /** One setting's way through the examples. */
    private static final class Side implements AutoCloseable {
        private final Setting setting;
        private final Workers workers;
        private final Batcher batcher;
        private final TrainingStep step;
        private final AdamW optimizer;
        private final List<Double> seconds = new ArrayList<>();
        private final boolean profiles;
        private Profile around = new Profile();
        private long computed;
        private long tokens;
        private long labels;

        Side(Setting setting, DecoderModel model, Adapter adapter, List<EncodedExample> examples, Options options) {
            this.setting = setting;
            profiles = options.profile();
            workers = new Workers(setting.workers);
            var rows = setting.rows(examples, options.maxTokens());
            int batch = Math.max(1, Math.round((float) options.batch() * rows.size() / examples.size()));
            batcher = new Batcher(List.of(rows), setting.shape(batch, options.maxTokens()), 0, 0);
            var head = setting.head(model.lmHead());
            var trained =
                    adapter.parameters().stream().filter(Parameter::trainable).toList();
            step = step(model, head, trained, options, workers);
            if (!setting.sparing) {
                step.oneMask();
            }
            optimizer = new AdamW(List.of(ParameterGroup.of(values(trained), 0)), AdamW.Options.DEFAULT);
        }

        private static TrainingStep step(
                LanguageModel model, Head head, List<Parameter> trained, Options options, Workers workers) {
            var kind = options.shape().workload().kind();
            return new TrainingStep(model, List.of(new StepTask(head, kind)), trained, workers);
        }

        private static Map<String, Tensor> values(List<Parameter> parameters) {
            return parameters.stream().collect(Collectors.toMap(Parameter::name, Parameter::value));
        }

        /** @param number below 0 to warm up */
        void epoch(int number) {
            computed = 0;
            tokens = 0;
            labels = 0;
            if (number == 0 && profiles) {
                around = new Profile();
                step.profile();
            }
            long start = System.nanoTime();
            for (int i = 0; i < batcher.batchesPerEpoch(); i++) {
                try (var scope = Scope.open()) {
                    int place = i;
                    var batch = around.measure(Part.DATA, () -> batcher.batch(0, place));
                    var result = step.run(List.of(batch), RandomStream.of(0).at(i));
                    around.measure(Part.OPTIMIZER, this::update);
                    computed += setting.padding == 0 ? result.tokens() : (long) batch.rows() * batch.tokens();
                    tokens += result.tokens();
                    labels += result.labels();
                }
            }
            if (number >= 0) {
                seconds.add((System.nanoTime() - start) / 1e9);
            }
        }

        private int update() {
            optimizer.step(step.gradients().byName(), 1e-4);
            return 0;
        }

        Result result() {
            var sorted = seconds.stream().sorted().toList();
            return new Result(setting, sorted.get(sorted.size() / 2), computed, tokens, labels, profile());
        }

        private Optional<StepProfile> profile() {
            int steps = seconds.size() * batcher.batchesPerEpoch();
            double sum = seconds.stream().mapToDouble(d -> d).sum();
            return profiles
                    ? Optional.of(StepProfile.of(step.profiled(), around, steps, step.workersAtWork(), sum))
                    : Optional.empty();
        }

        @Override
        public void close() {
            optimizer.close();
            step.close();
            workers.close();
        }
    }
}
