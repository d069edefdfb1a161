package dev.espalier.merge;

/** What the adapters must agree on for a number to be merged. */
public enum Consensus {
    /** Nothing. */
    NONE,

    /** The sign of the sum over adapters (TIES, Yadav et al., arXiv 2306.01708); a sum of 0 counts as positive. */
    SIGN_OF_SUM,

    /** The sign that more adapters have, which PEFT calls {@code frequency}; a draw counts as positive. */
    SIGN_OF_COUNT
}
