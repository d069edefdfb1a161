package dev.espalier.adapter;

import org.bytedeco.pytorch.Tensor;

/** A delta that does to every token the same, so that it can be put into its module's weight. */
interface Mergeable {
    /**
     * Some rows of the weight with the delta in it.
     *
     * @param rows of the frozen weight, fp32, {@code [n, in]}, or {@code [n, features]} of an embedding; not changed
     * @param first the index of the first of them
     * @return fp32, of the same shape, of the caller's scope
     */
    Tensor merged(Tensor rows, long first);

    /** Whether the module's bias changes too. */
    default boolean changesBias() {
        return false;
    }

    /**
     * The bias with the delta in it.
     *
     * @param bias frozen, fp32, {@code [out]}; not changed
     * @return fp32, of the same shape: {@code bias} itself where nothing changes it
     */
    default Tensor mergedBias(Tensor bias) {
        return bias;
    }
}
