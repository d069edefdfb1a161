package dev.espalier.model;

import dev.espalier.tensor.Tape;
import org.bytedeco.pytorch.Tensor;

/** A way through causal attention, forward and backward; queries, keys and values are its own. */
interface CausalPass {
    /** The weights of a part on the way back, kept or computed again. */
    @FunctionalInterface
    interface Kept {
        AttentionWeights of(int part);
    }

    /** The gradients, in the shapes of what they belong to. */
    record Slopes(Tensor q, Tensor k, Tensor v) {}

    /** Queries, scaled and turned. */
    Tensor q();

    /** Keys, turned. */
    Tensor k();

    /** Values. */
    Tensor v();

    /**
     * Writes the results of all sequences.
     *
     * @param result {@code [rows, keyValueHeads, group, tokens, headDim]}, with any strides
     * @param keeps whether the weights are kept for backward
     */
    Kept forward(Tensor result, boolean keeps, Tape tape);

    /** @param dResult as the result, with any strides */
    Slopes backward(Tensor dResult, Kept kept);
}
