package dev.espalier.cli.recipe;

/** What of the last hidden states a classification head reads. */
public enum Pooling {
    DEFAULT,
    CLS,
    MEAN
}
