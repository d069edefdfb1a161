package dev.espalier.cli.recipe;

/** What a merge is written as. */
public enum MergeFormat {
    /** A LoRA adapter of a given rank. */
    LORA,

    /** A LoRA adapter with all factors side by side. */
    CONCAT,

    /** A sparse adapter. */
    SPARSE,

    /** An adapter of whole changed modules. */
    FULL,

    /** A Hugging Face model folder. */
    DENSE,

    /** A unified change and a mask for each adapter. */
    MASKS
}
