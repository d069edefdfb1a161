package dev.espalier.data.wordnet;

/** What a task asks for. */
public enum TaskKind {
    /** One label of a fixed set. */
    CLASSIFICATION,
    /** The right one of the row's own four candidates. */
    CHOICE,
    /** A text. */
    GENERATION
}
