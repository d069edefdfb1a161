package dev.espalier.model;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** What an adapter adds to a frozen {@link Embedding}. */
public non-sealed interface EmbeddingDelta extends Delta {
    /**
     * Changes the vectors that were looked up in place, before the embedding scales them. Values that backward needs are
     * saved on the context's tape.
     *
     * @param numbers which vectors, int64 {@code [rows * tokens]}
     * @param y the vectors so far, {@code [rows * tokens, features]}
     * @return the backward pass, or null where nothing of this delta needs one
     */
    @Nullable Backward forward(Tensor numbers, Tensor y, ForwardContext context);
}
