package dev.espalier.cli.recipe;

/** The optimizers. */
public enum OptimizerName {
    ADAMW,
    ADAFACTOR
}
