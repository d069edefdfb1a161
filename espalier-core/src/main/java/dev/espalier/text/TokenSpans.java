package dev.espalier.text;

/**
 * A text as tokens, and where in the text each stands.
 *
 * @param ids token ids, {@code [tokens]}
 * @param starts the first {@code char} of the text that a token stands for, {@code [tokens]}
 * @param ends the {@code char} after the last; as {@code starts} for a token that the tokenizer added, {@code [tokens]}
 */
@SuppressWarnings("ArrayRecordComponent") // handed on to native memory, never compared
public record TokenSpans(int[] ids, int[] starts, int[] ends) {
    /** The number of tokens. */
    public int length() {
        return ids.length;
    }
}
