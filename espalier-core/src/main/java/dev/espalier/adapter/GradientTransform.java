package dev.espalier.adapter;

import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * What a method makes of its adapter's gradients between the backward pass and the optimizer's step. Clipping comes after
 * it, so that the norm that is limited, and that logs show, is that of what the optimizer gets. It knows nothing of the
 * optimizer and keeps no state, so it goes with any and a resumed run needs nothing of it.
 */
@FunctionalInterface
public interface GradientTransform {
    /**
     * Changes gradients in place.
     *
     * @param gradients of the step, by the parameter's name, fp32; those of others, such as heads, are left alone
     */
    void apply(Map<String, Tensor> gradients);
}
