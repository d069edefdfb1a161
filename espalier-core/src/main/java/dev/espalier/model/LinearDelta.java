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
