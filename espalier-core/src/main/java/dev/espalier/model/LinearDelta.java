package dev.espalier.model;

import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** What an adapter adds to a frozen {@link Linear}. Its tensors belong to the adapter. */
public interface LinearDelta {
    /**
     * Changes the linear's output in place. Values that backward needs are saved on the context's tape.
     *
     * @param x the linear's input, {@code [rows * tokens, in]}; not to be changed
     * @param y the output so far, {@code [rows * tokens, out]}
     * @return the backward pass, or null where nothing of this delta needs one
     */
    @Nullable Backward forward(Variable x, Tensor y, ForwardContext context);

    /**
     * Whether what is added to a token depends on that token, its sequence and its place there alone, so that the delta
     * may be given some of a sequence's tokens without the others.
     */
    default boolean tokenwise() {
        return false;
    }

    /** The backward pass of a delta: delivers the gradients of its weights and adds its share to the input's. */
    @FunctionalInterface
    interface Backward {
        /**
         * @param dY gradient with respect to the output after this delta, {@code [rows * tokens, out]}; not to be
         *     changed
         * @return the gradient with respect to the output before this delta: {@code dY} itself where the delta only adds
         */
        Tensor run(Tensor dY);
    }
}
