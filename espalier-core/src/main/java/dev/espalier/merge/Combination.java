package dev.espalier.merge;

/** How the numbers that several adapters have for one place become one. */
public enum Combination {
    /** {@code Σ w_i δ_i}. */
    SUM,

    /** {@code Σ w_i δ_i / Σ |w_i|} over all adapters. */
    MEAN,

    /**
     * {@code Σ w_i δ_i / Σ |w_i|} over the adapters that have something there: whose number is not 0 and agrees with the
     * consensus. After a consensus of signs this is TIES's disjoint mean, without one the overlap mean of sparse adapters.
     */
    OVERLAP_MEAN,

    /** The number of the largest magnitude, among those that agree with the consensus. */
    MAX,

    /**
     * Spherical interpolation of whole weights, two after two in their order; straight where they are nearly parallel,
     * {@code |cos| > 0.9995}. What is interpolated is divided as the weights are.
     */
    SLERP
}
