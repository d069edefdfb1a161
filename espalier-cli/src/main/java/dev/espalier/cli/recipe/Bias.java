package dev.espalier.cli.recipe;

/** Which biases are trained, as in PEFT. */
public enum Bias {
    NONE,
    ALL,
    LORA_ONLY
}
