package dev.espalier.generate;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.KvCache;
import dev.espalier.model.SequenceGuide;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Continues sequences of token ids, several side by side. Every pass reads the model's weights once for all rows; a row
 * that has ended leaves the batch. The adapters that are attached to the model act on all rows, or one on each.
 */
public final class TokenGenerator {
    /** Prompts that are continued side by side unless told otherwise. */
    public static final int DEFAULT_BATCH_SIZE = 16;

    /** Padded prompt tokens of one pass, unless one prompt is longer: attention scores of a pass grow with it. */
    public static final int TOKENS_PER_PASS = 4096;

    private final DecoderModel model;
    private final SamplingOptions options;
    private final Sampler sampler;
    private final int batchSize;

    /** Sees tokens as they come. */
    @FunctionalInterface
    public interface Listener {
        /**
         * A token, the one that stops a row included.
         *
         * @param prompt the prompt's place in the list
         * @return whether the row goes on; if not, it ends with {@link FinishReason#STOP_STRING}
         */
        boolean token(int prompt, int id);
    }

    /**
     * A finished row.
     *
     * @param tokens the new ones, {@code [tokens]}, with the stop token if it ended by one
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    public record Generated(int[] tokens, FinishReason reason) {}

    /** Continues {@value #DEFAULT_BATCH_SIZE} prompts side by side. */
    public TokenGenerator(DecoderModel model, SamplingOptions options) {
        this(model, options, DEFAULT_BATCH_SIZE);
    }

    /**
     * @param batchSize prompts that are continued side by side, at least 1; fewer where they are long
     * @throws InputException if it is less
     */
    public TokenGenerator(DecoderModel model, SamplingOptions options, int batchSize) {
        if (batchSize < 1) {
            throw new InputException("The option batch-size must be at least 1, not " + batchSize + ".");
        }
        this.model = model;
        this.options = options;
        this.batchSize = batchSize;
        sampler = new Sampler(options);
    }

    /**
     * Continues prompts of any number and lengths. Of {@link SamplingOptions} only the stop strings are left to the
     * listener.
     *
     * @return in the prompts' order
     * @throws InputException if a prompt leaves no room in the model's context, or logits are not numbers
     */
    public List<Generated> generate(List<Prompt> prompts, Listener listener) {
        return generate(prompts, SequenceGuide.NONE, listener);
    }

    /**
     * Continues prompts, each with an adapter of its own: a row gets the tokens that it gets alone with that adapter alone.
     * Adapters must stay as they are meanwhile, see {@link dev.espalier.adapter.ResidentAdapters#run}.
     *
     * @param adapters for each prompt the name of an adapter that acts on the model; empty for the bare model
     * @return in the prompts' order
     * @throws InputException as {@link #generate(List, Listener)}, or if no adapter of a name acts on the model
     */
    public List<Generated> generate(List<Prompt> prompts, List<Optional<String>> adapters, Listener listener) {
        if (adapters.size() != prompts.size()) {
            throw new IllegalArgumentException(adapters.size() + " adapters for " + prompts.size() + " prompts");
        }
        var acting = model.adapters();
        for (int i = 0; i < prompts.size(); i++) {
            var name = adapters.get(i);
            if (name.isPresent() && !acting.contains(name.get())) {
                throw new InputException(prompts.get(i).name() + " asks for the adapter '" + name.get() + "', but "
                        + (acting.isEmpty()
                                ? "none acts on the model; load it first."
                                : "those on the model are " + String.join(", ", Nearest.to(name.get(), acting, 5))
                                        + "."));
            }
        }
        return generate(prompts, SequenceGuide.adapters(adapters), listener);
    }

    /**
     * Continues prompts, each with what {@code guide} gives it.
     *
     * @param guide is asked by the prompts' places in the list
     * @return in the prompts' order
     * @throws InputException as {@link #generate(List, Listener)}
     */
    public List<Generated> generate(List<Prompt> prompts, SequenceGuide guide, Listener listener) {
        var rows = new ArrayList<GeneratedRow>();
        for (var prompt : prompts) {
            rows.add(new GeneratedRow(rows.size(), prompt, model.maxTokens(), options));
        }
        for (var batch : batches(rows)) {
            try (var cache = new KvCache(batch.size())) {
                new Run(cache, guide, listener).continueAll(batch);
            }
        }
        return rows.stream().map(GeneratedRow::result).toList();
    }

    /**
     * Continues one prompt whose first tokens may be in {@code cache} already; afterwards all tokens but the last new one
     * are there.
     */
    Generated generate(Prompt prompt, KvCache cache, Listener listener) {
        var row = new GeneratedRow(0, prompt, model.maxTokens(), options);
        new Run(cache, SequenceGuide.NONE, listener).continueAll(List.of(row));
        return row.result();
    }

    /** Prompts of like lengths go together. */
    private List<List<GeneratedRow>> batches(List<GeneratedRow> rows) {
        var batches = new ArrayList<List<GeneratedRow>>();
        var longestFirst = rows.stream()
                .sorted(Comparator.comparingInt(GeneratedRow::length).reversed())
                .toList();
        for (int start = 0; start < longestFirst.size(); ) {
            int fit = Math.max(1, TOKENS_PER_PASS / longestFirst.get(start).length());
            int end = Math.min(longestFirst.size(), start + Math.min(fit, batchSize));
            batches.add(longestFirst.subList(start, end));
            start = end;
        }
        return batches;
    }

    /**
     * One batch.
     *
     * @param guide is asked by the places of all prompts
     */
    private final class Run {
        private final KvCache cache;
        private final SequenceGuide guide;
        private final Listener listener;

        Run(KvCache cache, SequenceGuide guide, Listener listener) {
            this.cache = cache;
            this.guide = guide;
            this.listener = listener;
        }

        @SuppressWarnings("try") // the guard works by being open
        void continueAll(List<GeneratedRow> rows) {
            var live = rows;
            try (var guard = Engine.enter(Engine.threads())) {
                while (!live.isEmpty()) {
                    var next = next(live);
                    for (int i = 0; i < next.length; i++) {
                        live.get(i).add(next[i], listener);
                    }
                    live = withoutEnded(live);
                }
            }
        }

        private List<GeneratedRow> withoutEnded(List<GeneratedRow> rows) {
            var kept = IntStream.range(0, rows.size())
                    .filter(i -> !rows.get(i).ended())
                    .toArray();
            if (0 < kept.length && kept.length < rows.size()) {
                cache.keep(kept);
            }
            return Arrays.stream(kept).mapToObj(rows::get).toList();
        }

        private int[] next(List<GeneratedRow> rows) {
            try (var scope = Scope.open()) {
                return sampler.next(
                        logits(rows),
                        rows.stream().map(GeneratedRow::forSampler).toList());
            }
        }

        /** Feeds what the cache has not seen of each row; the logits after its last token, {@code [rows, vocabulary]}. */
        private Tensor logits(List<GeneratedRow> rows) {
            var lengths = new int[rows.size()];
            Arrays.setAll(lengths, row -> rows.get(row).length() - cache.length(row));
            int tokens = Arrays.stream(lengths).max().orElseThrow();
            var ids = new long[rows.size() * tokens]; // any id will do for padding
            var last = new int[rows.size()];
            for (int row = 0; row < rows.size(); row++) {
                rows.get(row).copyEnd(lengths[row], ids, row * tokens);
                last[row] = row * tokens + lengths[row] - 1;
            }
            try (var context = ForwardContext.cached(Layout.rightPadded(tokens, lengths), cache)) {
                guide.guide(context, rows.stream().mapToInt(GeneratedRow::place).toArray());
                return model.lmHead().logits(model.hidden(ids, context, state -> {}), last, context);
            }
        }
    }
}
