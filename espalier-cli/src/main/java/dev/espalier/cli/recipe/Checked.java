package dev.espalier.cli.recipe;

/** A section with rules between its keys; the reader says where the section stands. */
interface Checked {
    /** @throws dev.espalier.error.InputException if the keys do not go together */
    void check();
}
