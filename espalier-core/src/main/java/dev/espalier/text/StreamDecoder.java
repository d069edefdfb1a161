package dev.espalier.text;

import java.util.Arrays;

/**
 * Decodes tokens one at a time. A token's text depends on its neighbours (the space before a word, the other bytes of a
 * character), so the last tokens are decoded again with and without the new ones, and what is more is the new text. It
 * is held back while it ends in U+FFFD, which stands for a character whose bytes are not all there yet.
 */
final class StreamDecoder {
    private static final String INCOMPLETE = "\uFFFD";

    private final TextTokenizer tokenizer;

    /** The tokens of the last text given, then those that wait. */
    private int[] window;

    private int given;
    private int length;

    StreamDecoder(TextTokenizer tokenizer, int[] context) {
        this.tokenizer = tokenizer;
        window = context.clone();
        given = context.length;
        length = context.length;
    }

    String add(int id) {
        if (length == window.length) {
            window = Arrays.copyOf(window, Math.max(8, 2 * length));
        }
        window[length++] = id;
        var text = waiting();
        return text.isEmpty() || text.endsWith(INCOMPLETE) ? "" : give(text);
    }

    String finish() {
        return give(waiting());
    }

    private String give(String text) {
        window = Arrays.copyOfRange(window, given, length);
        length -= given;
        given = length;
        return text;
    }

    private String waiting() {
        var before = tokenizer.decode(Arrays.copyOf(window, given));
        var all = tokenizer.decode(Arrays.copyOf(window, length));
        // A byte that fits no character spoils the whole run of bytes it is in, the part already given included.
        return all.startsWith(before)
                ? all.substring(before.length())
                : tokenizer.decode(Arrays.copyOfRange(window, given, length));
    }
}
