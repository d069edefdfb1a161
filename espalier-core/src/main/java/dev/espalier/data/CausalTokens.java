package dev.espalier.data;

import dev.espalier.text.TextTokenizer;
import dev.espalier.text.TokenSpans;
import dev.espalier.text.template.Rendering.Span;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** From texts to ids and labels. */
final class CausalTokens {
    /**
     * An example as numbers.
     *
     * @param labels the id of each token that is learned, else {@link Batch#IGNORED}
     * @param responses where the responses' tokens begin
     */
    @SuppressWarnings("ArrayRecordComponent") // copied into examples, never compared
    record Encoding(int[] ids, int[] labels, int responses) {
        int length() {
            return ids.length;
        }

        /** Whether none of the tokens is learned. */
        boolean unlabelled() {
            return Arrays.stream(labels).allMatch(label -> label == Batch.IGNORED);
        }

        /** The first tokens. */
        Encoding first(int count) {
            return new Encoding(Arrays.copyOf(ids, count), Arrays.copyOf(labels, count), Math.min(responses, count));
        }

        /** The tokens without some at a place before the responses. */
        Encoding without(int from, int count) {
            return new Encoding(without(ids, from, count), without(labels, from, count), responses - count);
        }

        private static int[] without(int[] values, int from, int count) {
            return IntStream.concat(Arrays.stream(values, 0, from), Arrays.stream(values, from + count, values.length))
                    .toArray();
        }
    }

    private final TextTokenizer tokenizer;
    private final LossOn lossOn;

    CausalTokens(TextTokenizer tokenizer, LossOn lossOn) {
        this.tokenizer = tokenizer;
        this.lossOn = lossOn;
    }

    /** The same with loss on other tokens. */
    CausalTokens with(LossOn other) {
        return new CausalTokens(tokenizer, other);
    }

    /** The ids of a prompt, which no token ends. */
    int[] prompt(String text, boolean complete) {
        var ids = tokenizer.encodeSpans(text, !complete).ids();
        int end = !complete && ends(ids) ? ids.length - 1 : ids.length;
        return Arrays.copyOfRange(ids, complete ? 0 : doubled(ids), end);
    }

    Encoding encode(Written written) {
        return encode(written, lossOn);
    }

    Encoding encode(Written written, LossOn on) {
        var spans = tokenizer.encodeSpans(written.text(), !written.complete());
        var learned = new boolean[spans.length()];
        for (var response : written.responses()) {
            mark(spans, response, written.text(), learned);
        }
        return written.complete() ? encoding(spans.ids(), learned, on) : ended(spans.ids(), learned, on);
    }

    /** Plain texts: the tokenizer's beginning once, and the token that ends a text, which is learned. */
    private Encoding ended(int[] ids, boolean[] learned, LossOn on) {
        int from = doubled(ids);
        boolean ended = ends(ids);
        int length = ids.length - from + (ended || eos().isEmpty() ? 0 : 1);
        var all = Arrays.copyOfRange(ids, from, from + length);
        var marks = Arrays.copyOfRange(learned, from, from + length);
        if (ended || eos().isPresent()) {
            all[length - 1] = eos().orElseThrow();
            marks[length - 1] = true;
        }
        return encoding(all, marks, on);
    }

    private static Encoding encoding(int[] ids, boolean[] learned, LossOn on) {
        int responses = 0;
        while (responses < ids.length && !learned[responses]) {
            responses++;
        }
        var labels = IntStream.range(0, ids.length)
                .map(token -> token > 0 && (on == LossOn.ALL || learned[token]) ? ids[token] : Batch.IGNORED)
                .toArray();
        return new Encoding(ids, labels, responses);
    }

    /**
     * Marks the tokens of a response. One that begins before it, such as a space with the first word, is in; one that
     * ends after it is not. Whitespace after the special token that ends a turn is not: no model writes on there.
     */
    private void mark(TokenSpans spans, Span response, String text, boolean[] learned) {
        int special = -1;
        int last = -1;
        for (int token = 0; token < spans.length(); token++) {
            int start = spans.starts()[token];
            int end = spans.ends()[token];
            if (end > start && end > response.start() && start < response.end() && end <= response.end()) {
                learned[token] = true;
                last = token;
                special = tokenizer.vocabulary().isSpecial(spans.ids()[token]) ? token : special;
            }
        }
        if (special >= 0
                && text.substring(spans.ends()[special], spans.ends()[last]).isBlank()) {
            Arrays.fill(learned, special + 1, last + 1, false);
        }
    }

    /** How many of the first tokens to leave out, so that the one which begins a text does not stand there twice. */
    private int doubled(int[] ids) {
        var bos = tokenizer.bosId();
        boolean twice = ids.length > 1 && bos.isPresent() && ids[0] == bos.getAsInt() && ids[1] == ids[0];
        return twice ? 1 : 0;
    }

    private boolean ends(int[] ids) {
        return eos().isPresent() && ids.length > 0 && ids[ids.length - 1] == eos().getAsInt();
    }

    private OptionalInt eos() {
        return tokenizer.eosId();
    }
}
