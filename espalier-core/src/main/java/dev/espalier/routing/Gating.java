package dev.espalier.routing;

import java.util.List;

/**
 * How scores {@code z} become the experts' weights: {@code p = activation(z)}; gates {@code g = f ⊙ p - τ} with dropout
 * factors {@code f} and a threshold {@code τ} where there are any; the selection chooses by {@code g}; a choice weighs
 * {@code g}, or {@code g / Σ chosen g}; what is over capacity weighs nothing.
 *
 * @param renormalise whether the weights of a row's choices sum to 1
 * @param losses that routing adds to the task's
 */
public record Gating(
        Activation activation,
        ExpertDropout dropout,
        Selection selection,
        boolean renormalise,
        ExpertCapacity capacity,
        List<RouterLoss> losses) {
    public Gating {
        losses = List.copyOf(losses);
    }
}
