package dev.espalier.text;

/**
 * One encoded text, with its special tokens and without padding.
 *
 * @param ids token ids, {@code [tokens]}
 * @param typeIds 0 in the first text, 1 in the second where the model tells them apart, {@code [tokens]}
 * @param wordIds the word each token is a part of, counted within its text; {@link #SPECIAL} for a special token,
 *     {@code [tokens]}
 */
@SuppressWarnings("ArrayRecordComponent") // handed on to native memory, never compared
public record Encoded(int[] ids, int[] typeIds, int[] wordIds) {
    /** The word id of a token that stands for no text, such as {@code [CLS]}. */
    public static final int SPECIAL = -1;

    /** The number of tokens, special tokens included. */
    public int length() {
        return ids.length;
    }
}
