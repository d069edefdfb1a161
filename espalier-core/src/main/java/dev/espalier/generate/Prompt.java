package dev.espalier.generate;

import dev.espalier.error.InputException;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.util.List;

/**
 * What a model is to continue.
 *
 * @param id what makes its random draws its own, such as its place in the input: the same id, tokens and seed give the
 *     same answer in any batch
 * @param tokens token ids, at least one, special tokens included
 * @param begun whether the answer goes on in a text that the prompt began, perhaps in the middle of a word, rather than
 *     being a text of its own
 */
@SuppressWarnings("ArrayRecordComponent") // copied into native memory, never compared
public record Prompt(long id, int[] tokens, boolean begun) {
    /** @throws InputException if there are no tokens */
    public Prompt {
        if (tokens.length == 0) {
            throw new InputException("Prompt " + id + " is empty; give at least one token to go on from.");
        }
    }

    /**
     * A text to go on with, with the special tokens that the tokenizer puts before a text.
     *
     * @throws InputException if the text is empty and the tokenizer has no token that begins a text
     */
    public static Prompt text(long id, String text, TextTokenizer tokenizer) {
        var tokens = tokenizer.encode(text, Integer.MAX_VALUE).ids();
        return new Prompt(id, tokens.length == 0 ? tokenizer.bosId().stream().toArray() : tokens, true);
    }

    /**
     * A conversation whose next turn is the assistant's.
     *
     * @throws InputException if the template refuses the conversation
     */
    public static Prompt chat(long id, List<Message> messages, ChatTemplate template, TextTokenizer tokenizer) {
        var text = template.render(messages, true).text();
        return new Prompt(id, tokenizer.encodeSpans(text, false).ids(), false);
    }

    /** The number of tokens. */
    public int length() {
        return tokens.length;
    }
}
