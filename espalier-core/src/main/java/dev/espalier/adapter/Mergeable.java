package dev.espalier.adapter;

import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

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

    /**
     * What {@link #merged} adds to some rows, exactly: not the difference of two weights, which rounds at their size.
     * By default what it makes of zeros, which is right for a delta that only adds.
     *
     * @return fp32, of the shape of {@code rows}, of the caller's scope
     */
    default Tensor change(Tensor rows, long first) {
        return merged(torch.zeros_like(rows), first);
    }

    /** The change of all rows as a product of two factors, where it is one; of the caller's scope. */
    default Optional<WeightDelta.LowRank> factors() {
        return Optional.empty();
    }

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
