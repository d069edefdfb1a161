package dev.espalier.adapter;

import dev.espalier.tensor.GradientSink;

/** A loss that depends on an adapter's weights alone. It counts once a step, however the step's batch is cut. */
@FunctionalInterface
public interface WeightPenalty {
    /**
     * Delivers the penalty's gradients.
     *
     * @return its value, weighted
     */
    double addTo(GradientSink gradients);
}
