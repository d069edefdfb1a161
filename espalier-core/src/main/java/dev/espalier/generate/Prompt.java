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
 * @param name what messages call it at the beginning of a sentence, such as its file and line
 */
@SuppressWarnings("ArrayRecordComponent") // copied into native memory, never compared
public record Prompt(long id, int[] tokens, boolean begun, String name) {
    /** @throws InputException if there are no tokens */
    public Prompt {
        if (tokens.length == 0) {
            throw new InputException(name + " is empty; give at least one token to go on from.");
        }
    }

    /**
     * A prompt that messages call by its id.
     *
     * @throws InputException if there are no tokens
     */
    public Prompt(long id, int[] tokens, boolean begun) {
        this(id, tokens, begun, "Prompt " + id);
    }

    /**
     * A text to go on with, with the special tokens that the tokenizer puts before a text.
     *
     * @throws InputException if the text is empty and the tokenizer has no token that begins a text
     */
    public static Prompt text(long id, String text, TextTokenizer tokenizer) {
        return text(id, text, tokenizer, "Prompt " + id);
    }

    /** As {@link #text(long, String, TextTokenizer)}, with a name for messages. */
    public static Prompt text(long id, String text, TextTokenizer tokenizer, String name) {
        var tokens = tokenizer.encode(text, Integer.MAX_VALUE).ids();
        return new Prompt(id, tokens.length == 0 ? tokenizer.bosId().stream().toArray() : tokens, true, name);
    }

    /**
     * A conversation whose next turn is the assistant's.
     *
     * @throws InputException if the template refuses the conversation
     */
    public static Prompt chat(long id, List<Message> messages, ChatTemplate template, TextTokenizer tokenizer) {
        return chat(id, messages, template, tokenizer, "Prompt " + id);
    }

    /** As {@link #chat(long, List, ChatTemplate, TextTokenizer)}, with a name for messages. */
    public static Prompt chat(
            long id, List<Message> messages, ChatTemplate template, TextTokenizer tokenizer, String name) {
        var text = template.render(messages, true).text();
        return new Prompt(id, tokenizer.encodeSpans(text, false).ids(), false, name);
    }

    /**
     * Refuses a prompt that nothing can follow.
     *
     * @param context the longest sequence that the model has positions for
     * @throws InputException if the prompt is as long as that or longer
     */
    public void requireRoom(int context) {
        if (tokens.length >= context) {
            throw new InputException(name + " has " + tokens.length
                    + " tokens, which leaves no room for an answer in the model's context of " + context
                    + " tokens; shorten it.");
        }
    }

    /** The number of tokens. */
    public int length() {
        return tokens.length;
    }
}
