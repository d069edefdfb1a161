package dev.espalier.model;

import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** What an adapter adds to a frozen {@link Linear}. */
public non-sealed interface LinearDelta extends Delta {
    /**
     * Changes the linear's output in place. Values that backward needs are saved on the context's tape.
     *
     * @param linear the linear it is attached to
     * @param x the linear's input, {@code [rows * tokens, in]}; not to be changed
     * @param y the output so far, {@code [rows * tokens, out]}
     * @return the backward pass, or null where nothing of this delta needs one
     */
    @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context);

    /**
     * This delta as a change of the weight, where one product with the changed weight takes less than one with each; then
     * {@link #forward} is not called. The linear only asks where the delta acts on all tokens and before any other.
     *
     * @param x the linear's input, {@code [rows * tokens, in]}
     * @return null where the delta changes the output
     */
    default @Nullable WeightChange weightChange(Linear linear, Variable x, ForwardContext context) {
        return null;
    }

    /** A change of a linear's weight in one pass. */
    interface WeightChange {
        /**
         * The changed weight, made for the product forward and made again for that backward, so that no copy of a weight
         * outlives its product.
         *
         * @param weight {@code [out, in]} in the dtype of the pass; not to be changed
         * @return of the same shape, good until any weight of the pass is changed next
         */
        Tensor of(Tensor weight);

        /** Delivers the gradients of the delta's weights, the input's aside; null where none is wanted. */
        @Nullable Backward backward();
    }

    /**
     * What the linear and the deltas after this one see in place of {@code x}; recorded on the context's tape by itself.
     * What a token becomes here depends on that token alone.
     *
     * @param x {@code [rows * tokens, in]}; not to be changed
     */
    default Variable input(Variable x, ForwardContext context) {
        return x;
    }

    /**
     * Whether what is added to a token depends on that token, its sequence and its place there alone, so that the delta
     * may be given some of a sequence's tokens without the others.
     */
    default boolean tokenwise() {
        return false;
    }
}
