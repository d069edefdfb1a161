package dev.espalier.generate;

/**
 * An answer.
 *
 * @param text without special tokens, and without the stop string it may have ended at
 * @param tokens the new ids, {@code [tokens]}, with the stop token if it ended by one
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
public record Generation(String text, int[] tokens, FinishReason reason) {}
