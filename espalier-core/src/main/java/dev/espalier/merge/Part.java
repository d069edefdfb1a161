package dev.espalier.merge;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.adapter.WeightDelta;
import org.bytedeco.pytorch.Tensor;

/**
 * What one adapter brings to one weight.
 *
 * @param place of the adapter among all
 * @param name of the weight
 * @param factor the adapter's weight in the merge
 * @param trim what of the change takes part
 */
record Part(int place, DeltaSource adapter, String name, double factor, Trim trim) {
    /** The change, untrimmed; of the caller's scope. */
    WeightDelta delta() {
        return adapter.delta(name);
    }

    /** All its numbers, trimmed; of the caller's scope. */
    Tensor trimmed() {
        return trim.apply(name, delta().dense());
    }
}
