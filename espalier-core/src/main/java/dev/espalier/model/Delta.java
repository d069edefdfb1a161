package dev.espalier.model;

import org.bytedeco.pytorch.Tensor;

/** What an adapter adds to a frozen module. Its tensors belong to the adapter. */
public sealed interface Delta permits LinearDelta, EmbeddingDelta {
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
