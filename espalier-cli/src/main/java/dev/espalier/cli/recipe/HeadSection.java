package dev.espalier.cli.recipe;

/**
 * The heads of all tasks.
 *
 * @param pooling what a classification head reads
 * @param dropout before a head's output
 */
public record HeadSection(
        @Key(
                "What a classification head reads: what the model family's own head reads, the first token, or the mean of the tokens.")
        Pooling pooling,

        @Key(value = "Dropout before the head while training.", atLeast = 0, below = 1)
        double dropout) {
    /** As transformers does it. */
    public static final HeadSection DEFAULT = new HeadSection(Pooling.DEFAULT, 0.1);
}
