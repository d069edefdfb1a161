package dev.espalier.cli.recipe;

/** Number types of frozen weights. */
public enum Dtype {
    FP32,
    BF16
}
