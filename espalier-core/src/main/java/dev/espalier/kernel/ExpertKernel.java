package dev.espalier.kernel;

import org.bytedeco.pytorch.Tensor;

/** A way to take the products of experts. */
public interface ExpertKernel {
    /** Adds {@code s B (D ⊙ A x)} to {@code y}, {@code [tokens, out]}. */
    Pass forward(Experts experts, ExpertInput input, Tensor y);

    /** What a forward pass leaves for the backward pass. */
    interface Pass {
        /** Keeps what backward needs on the tape. */
        void save();

        /**
         * Delivers the gradients of the experts' weights, runs the gate's backward pass and adds to the input's gradient.
         *
         * @param dY gradient with respect to {@code y}; not to be changed
         */
        void backward(Tensor dY);
    }
}
