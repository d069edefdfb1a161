package dev.espalier.cli.recipe;

/** What answers a whole text. */
public enum HeadName {
    /** A layer with an output for each label, which trains. */
    CLASSIFIER,

    /** The nearest of the labels' texts; see {@link dev.espalier.model.LabelEmbeddings}. */
    LABEL_EMBEDDINGS
}
