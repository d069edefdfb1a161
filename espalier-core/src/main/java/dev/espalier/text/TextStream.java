package dev.espalier.text;

import java.util.List;

/**
 * Text of tokens that arrive one at a time. Pieces hold whole characters and no part of a stop string; put together
 * they are the text of all tokens, up to the first stop string. For one thread.
 */
public final class TextStream {
    private final StreamDecoder decoder;
    private final StopStrings stops;

    /**
     * @param context ids that come before the first token and whose text is known, such as the prompt; without any, the
     *     text begins as the tokenizer's decoder begins one (without the first space, where it drops that)
     * @param stopStrings texts that end the stream; none of them empty
     */
    public TextStream(TextTokenizer tokenizer, int[] context, List<String> stopStrings) {
        decoder = new StreamDecoder(tokenizer, context);
        stops = new StopStrings(stopStrings);
    }

    /** Takes the next token; what is now certain of the text, often a word, sometimes nothing. */
    public String add(int id) {
        return stops.found() ? "" : stops.add(decoder.add(id));
    }

    /** The rest, once there are no more tokens: what was held back, with U+FFFD for a character that was cut off. */
    public String finish() {
        return stops.found() ? "" : stops.add(decoder.finish()) + stops.finish();
    }

    /** Whether the text came to a stop string: no more tokens are needed. */
    public boolean stopped() {
        return stops.found();
    }
}
