package dev.espalier.data;

import java.util.List;

/**
 * An example as numbers.
 *
 * @param task the task's place in the run
 * @param id the example's place in its split
 * @param ids token ids with special tokens, {@code [tokens]}
 * @param typeIds token type ids, {@code [tokens]}
 * @param labels the label's number {@code [1]} (of a choice, the right candidate's), or one per token {@code [tokens]} with
 *     {@link Batch#IGNORED} where none is asked; else empty
 * @param values 1 for each label that applies, else 0 {@code [labels]}, or the number {@code [1]}; else empty
 * @param candidates the token ids of each candidate of a choice, with special tokens; else empty
 */
@SuppressWarnings("ArrayRecordComponent") // copied into batches, never compared
public record EncodedExample(
        int task, long id, int[] ids, int[] typeIds, int[] labels, float[] values, List<int[]> candidates) {
    public EncodedExample {
        candidates = List.copyOf(candidates);
    }

    /** An example without candidates. */
    public EncodedExample(int task, long id, int[] ids, int[] typeIds, int[] labels, float[] values) {
        this(task, id, ids, typeIds, labels, values, List.of());
    }

    /** The same example under another id. */
    public EncodedExample withId(long other) {
        return new EncodedExample(task, other, ids, typeIds, labels, values, candidates);
    }

    /** The number of tokens. */
    public int length() {
        return ids.length;
    }
}
