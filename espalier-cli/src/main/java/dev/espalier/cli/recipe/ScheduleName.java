package dev.espalier.cli.recipe;

/** What the learning rate does after the warm-up. */
public enum ScheduleName {
    CONSTANT,
    LINEAR,
    COSINE,
    INVERSE_SQRT
}
