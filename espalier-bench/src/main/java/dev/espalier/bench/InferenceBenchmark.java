package dev.espalier.bench;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.generate.Prompt;
import dev.espalier.generate.SamplingOptions;
import dev.espalier.generate.TokenGenerator;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.train.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Answers of a model: an encoder labels batches, a decoder reads prompts (prefill) and writes tokens after them (decode).
 * The bare model, the model with an adapter beside its weights, and with the adapter merged into them take turns.
 */
public final class InferenceBenchmark {
    private static final int WARM_UP = 2;

    private InferenceBenchmark() {}

    /**
     * What to measure.
     *
     * @param dtype {@code fp32} or {@code bf16}
     * @param batch rows
     * @param tokens of every row, or of every prompt
     * @param newTokens that a decoder writes after each prompt
     * @param repeats how often each is timed after a warm-up
     */
    public record Options(
            Shape shape, String dtype, int batch, int tokens, int newTokens, AdapterSpec spec, int repeats) {
        public Options {
            if (batch < 1 || tokens < 1 || newTokens < 2 || repeats < 1) {
                throw new InputException(
                        "Batch, tokens and repeats must be at least 1 and new tokens at least 2, but are " + batch
                                + ", " + tokens + ", " + repeats + " and " + newTokens + ".");
            }
            if (batch * tokens > TokenGenerator.TOKENS_PER_PASS) {
                throw new InputException("Prompts of " + TokenGenerator.TOKENS_PER_PASS
                        + " tokens at most are read in one pass, but " + batch + " of " + tokens + " are asked for.");
            }
            if (tokens + newTokens > shape.workload().positions()) {
                throw new InputException("The shape has " + shape.workload().positions() + " positions, but " + tokens
                        + " tokens and " + newTokens + " new ones are asked for.");
            }
        }
    }

    /** Where the adapter is. */
    public enum State {
        BARE("bare model"),
        BESIDE("adapter beside the weights"),
        MERGED("adapter merged");

        private final String title;

        State(String title) {
            this.title = title;
        }

        /** Its name in tables. */
        public String title() {
            return title;
        }
    }

    /**
     * The median of what one state gave.
     *
     * @param readTokensPerSecond of all rows, or prompts
     * @param newTokensPerSecond of all rows, after the first; none for an encoder
     */
    public record Result(State state, double readTokensPerSecond, OptionalDouble newTokensPerSecond) {}

    /** Seconds of one turn. */
    private record Turn(double reading, double writing) {}

    /** Measures the three states; merging is left out for adapters that act on every token differently. */
    public static List<Result> run(Options options) {
        var dtype = Engine.dtype(options.dtype());
        var workload = options.shape().workload();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open();
                var model = workload.model(dtype);
                var workers = new Workers(0);
                var adapter = Adapter.create(
                        "bench", options.spec(), model, RandomStream.of(0).at("adapter"))) {
            var subject = model instanceof DecoderModel decoder
                    ? new Writing(decoder, options)
                    : new Labelling(
                            model,
                            workload.head(model, RandomStream.of(0).at("head")),
                            workload.kind(),
                            workload.batch(options.batch(), options.tokens()),
                            workers);
            var results = new ArrayList<Result>();
            adapter.disable();
            results.add(measure(State.BARE, subject, options));
            adapter.enable();
            results.add(measure(State.BESIDE, subject, options));
            if (merge(adapter, model)) {
                results.add(measure(State.MERGED, subject, options));
            }
            return results;
        }
    }

    private static boolean merge(Adapter adapter, LanguageModel model) {
        try {
            for (var linear : model.linears().values()) {
                try (var scope = Scope.open()) {
                    var weight = linear.weight();
                    weight.value()
                            .copy_(adapter.merged(weight.name(), weight.value().to(ScalarType.Float)));
                }
            }
        } catch (InputException e) {
            return false;
        }
        adapter.disable();
        return true;
    }

    private static Result measure(State state, Subject subject, Options options) {
        var turns = new ArrayList<Turn>();
        for (int i = -WARM_UP; i < options.repeats(); i++) {
            var turn = subject.turn();
            if (i >= 0) {
                turns.add(turn);
            }
        }
        double reading = median(turns.stream().mapToDouble(Turn::reading).toArray());
        double writing = median(turns.stream().mapToDouble(Turn::writing).toArray());
        double written = options.batch() * (options.newTokens() - 1.0);
        return new Result(
                state,
                options.batch() * options.tokens() / reading,
                writing > 0 ? OptionalDouble.of(written / writing) : OptionalDouble.empty());
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    /** What is answered. */
    @FunctionalInterface
    private interface Subject {
        Turn turn();
    }

    /** A batch cut among workers, as training and evaluation do. */
    private record Labelling(LanguageModel model, Head head, TaskKind kind, Batch batch, Workers workers)
            implements Subject {
        @Override
        public Turn turn() {
            long start = System.nanoTime();
            workers.map(batch.split(workers.count()), (part, place) -> {
                try (var scope = Scope.open();
                        var context = ForwardContext.evaluation(Tape.inference(), part.layout())) {
                    var input = model.headInput(head, part, context);
                    return head.forward(input.hidden(), input.context()).value().size(0);
                }
            });
            return new Turn((System.nanoTime() - start) / 1e9, 0);
        }
    }

    private static final class Writing implements Subject {
        private final TokenGenerator generator;
        private final List<Prompt> prompts = new ArrayList<>();
        private long first;

        Writing(DecoderModel model, Options options) {
            generator = new TokenGenerator(
                    model,
                    SamplingOptions.builder().maxNewTokens(options.newTokens()).build(),
                    options.batch());
            var ids = options.shape()
                    .workload()
                    .batch(options.batch(), options.tokens())
                    .inputIds();
            for (int row = 0; row < options.batch(); row++) {
                var tokens = Arrays.stream(ids, row * options.tokens(), (row + 1) * options.tokens())
                        .mapToInt(Math::toIntExact)
                        .toArray();
                prompts.add(new Prompt(row, tokens, false));
            }
        }

        @Override
        public Turn turn() {
            first = 0;
            long start = System.nanoTime();
            generator.generate(prompts, this::token);
            long end = System.nanoTime();
            return new Turn((first - start) / 1e9, (end - first) / 1e9);
        }

        /** The first token of all comes when every prompt has been read. */
        private boolean token(int prompt, int id) {
            if (first == 0) {
                first = System.nanoTime();
            }
            return true;
        }
    }
}
