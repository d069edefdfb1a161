package dev.espalier.data;

/**
 * An example as numbers.
 *
 * @param task the task's place in the run
 * @param id the example's place in its split
 * @param ids token ids with special tokens, {@code [tokens]}
 * @param typeIds token type ids, {@code [tokens]}
 * @param labels the label's number {@code [1]}, or one per token {@code [tokens]} with {@link Batch#IGNORED} where none
 *     is asked; else empty
 * @param values 1 for each label that applies, else 0 {@code [labels]}, or the number {@code [1]}; else empty
 */
@SuppressWarnings("ArrayRecordComponent") // copied into batches, never compared
public record EncodedExample(int task, long id, int[] ids, int[] typeIds, int[] labels, float[] values) {
    /** The same example under another id. */
    public EncodedExample withId(long other) {
        return new EncodedExample(task, other, ids, typeIds, labels, values);
    }

    /** The number of tokens. */
    public int length() {
        return ids.length;
    }
}
