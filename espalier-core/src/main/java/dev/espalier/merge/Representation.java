package dev.espalier.merge;

/** The form in which the changes of several adapters are compared. */
public enum Representation {
    /** The changes of whole weights, {@code ΔW}: exact, with no cross terms of factors. */
    DELTA,

    /** The factors {@code A} and {@code B} apart, as PEFT combines LoRA: the product has cross terms. */
    FACTORS,

    /**
     * KnOTS (Stoica et al., arXiv 2410.19735): {@code [δ_1 … δ_T] = U S [V_1 … V_T]}, and what is merged are the
     * {@code S V_i}, which share the basis {@code U}.
     */
    KNOTS,

    /**
     * Task singular vectors, TSV-M (Gargiulo et al., arXiv 2412.00081): of each task the largest {@code 1/T} of its singular
     * triples, whose vectors are made orthogonal over all tasks (their polar factor).
     */
    TSV
}
