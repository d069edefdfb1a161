package dev.espalier.cli.recipe;

/** When a sparse adapter chooses what it keeps, by its name in recipes. */
public enum SelectionTime {
    FIRST_EPOCH,
    ONCE
}
