package dev.espalier.cli.recipe;

/** A method of adaptation; the key {@code method} says which. */
public sealed interface AdapterSection permits LoraSection, SiraSection, HeadOnlySection {}
