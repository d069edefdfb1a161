package dev.espalier.model;

import org.bytedeco.pytorch.Tensor;

/**
 * What the first layers of a model make of examples, where nothing in these layers is adapted or trains. They act as in
 * evaluation: their dropout is left out, of examples that are computed for the pass too. Read by several threads at once.
 */
public interface PrefixStates {
    /** The layer that the states enter, from 0; the number of layers for what leaves the last. */
    int layer();

    /**
     * Whether the states of an example are known.
     *
     * @param task the task's place in the run
     * @param example its id, as batches have it
     */
    boolean holds(int task, long example);

    /**
     * Copies the states of an example, which must be known.
     *
     * @param to {@code [tokens, hidden]} of the model's dtype, without gaps
     */
    void read(int task, long example, Tensor to);
}
