package dev.espalier.merge;

/** When the adapters' weights act. */
public enum Weighting {
    /** Before anything is decided: a consensus is one of weighted numbers, and a mean is a weighted mean. */
    FIRST,

    /** After it, as in PEFT: a consensus is one of numbers as they are, and a mean divides by how many there are. */
    LAST
}
