package dev.espalier.generate;

import dev.espalier.error.InputException;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.KvCache;
import dev.espalier.model.SequenceGuide;
import dev.espalier.text.TextStream;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Continues prompts with text. The same prompt id, tokens and options give the same text whatever else is in the batch,
 * as far as the logits' rounding does not decide between two tokens.
 */
public final class Generator {
    private final TextTokenizer tokenizer;
    private final SamplingOptions options;
    private final TokenGenerator tokens;

    /** Sees answers as they are written. */
    @FunctionalInterface
    public interface Listener {
        /** Hears nothing. */
        Listener NONE = (prompt, piece) -> {};

        /**
         * The next piece of an answer: whole characters, never empty. All pieces together are the answer's text.
         *
         * @param prompt the prompt's place in the list
         */
        void text(int prompt, String piece);
    }

    /**
     * @param model with whatever adapters are attached to it; stays the caller's
     * @param tokenizer the model's; stays the caller's
     * @param options see {@link StopTokens} for the ids that end the model's answers
     */
    public Generator(DecoderModel model, TextTokenizer tokenizer, SamplingOptions options) {
        this(model, tokenizer, options, TokenGenerator.DEFAULT_BATCH_SIZE);
    }

    /**
     * As {@link #Generator(DecoderModel, TextTokenizer, SamplingOptions)}.
     *
     * @param batchSize prompts that are continued side by side, at least 1
     */
    public Generator(DecoderModel model, TextTokenizer tokenizer, SamplingOptions options, int batchSize) {
        this.tokenizer = tokenizer;
        this.options = options;
        tokens = new TokenGenerator(model, options, batchSize);
    }

    /** Continues a text. */
    public Generation generate(String text) {
        return generate(List.of(Prompt.text(0, text, tokenizer))).get(0);
    }

    /** Continues prompts; see {@link #generate(List, Listener)}. */
    public List<Generation> generate(List<Prompt> prompts) {
        return generate(prompts, Listener.NONE);
    }

    /**
     * Continues prompts of any number and lengths.
     *
     * @return in the prompts' order
     * @throws InputException if a prompt leaves no room in the model's context, or logits are not numbers
     */
    public List<Generation> generate(List<Prompt> prompts, Listener listener) {
        var writers = new Writers(prompts, listener, () -> false);
        return writers.finished(tokens.generate(prompts, writers));
    }

    /**
     * Continues prompts, each with an adapter of its own; see {@link TokenGenerator#generate(List, List,
     * TokenGenerator.Listener)}.
     *
     * @param adapters for each prompt the name of an adapter that acts on the model; empty for the bare model
     * @return in the prompts' order
     * @throws InputException as {@link #generate(List, Listener)}, or if no adapter of a name acts on the model
     */
    public List<Generation> generate(List<Prompt> prompts, List<Optional<String>> adapters, Listener listener) {
        var writers = new Writers(prompts, listener, () -> false);
        return writers.finished(tokens.generate(prompts, adapters, writers));
    }

    /**
     * Continues prompts, each with what {@code guide} gives it; see {@link TokenGenerator#generate(List, SequenceGuide,
     * TokenGenerator.Listener)}.
     *
     * @param guide is asked by the prompts' places in the list
     * @return in the prompts' order
     * @throws InputException as {@link #generate(List, Listener)}
     */
    public List<Generation> generate(List<Prompt> prompts, SequenceGuide guide, Listener listener) {
        var writers = new Writers(prompts, listener, () -> false);
        return writers.finished(tokens.generate(prompts, guide, writers));
    }

    /** Continues one prompt whose first tokens may be in {@code cache} already, until {@code interrupted}. */
    Generation generate(Prompt prompt, KvCache cache, Listener listener, BooleanSupplier interrupted) {
        var writers = new Writers(List.of(prompt), listener, interrupted);
        return writers.finished(List.of(tokens.generate(prompt, cache, writers)))
                .get(0);
    }

    /** The texts of all rows as they grow. */
    private final class Writers implements TokenGenerator.Listener {
        private final List<TextStream> streams = new ArrayList<>();
        private final List<StringBuilder> texts = new ArrayList<>();
        private final Listener listener;
        private final BooleanSupplier interrupted;

        Writers(List<Prompt> prompts, Listener listener, BooleanSupplier interrupted) {
            this.listener = listener;
            this.interrupted = interrupted;
            for (var prompt : prompts) {
                var before = prompt.begun() ? prompt.tokens() : new int[0];
                streams.add(new TextStream(tokenizer, before, options.stopStrings()));
                texts.add(new StringBuilder());
            }
        }

        @Override
        public boolean token(int prompt, int id) {
            var stream = streams.get(prompt);
            if (!options.stopTokens().contains(id)) { // a stop token may have a text of its own
                write(prompt, stream.add(id));
            }
            return !stream.stopped() && !interrupted.getAsBoolean();
        }

        private void write(int prompt, String piece) {
            if (!piece.isEmpty()) {
                texts.get(prompt).append(piece);
                listener.text(prompt, piece);
            }
        }

        List<Generation> finished(List<TokenGenerator.Generated> rows) {
            var answers = new ArrayList<Generation>();
            for (int i = 0; i < rows.size(); i++) {
                write(i, streams.get(i).finish());
                answers.add(new Generation(
                        texts.get(i).toString(),
                        rows.get(i).tokens(),
                        rows.get(i).reason()));
            }
            return answers;
        }
    }
}
