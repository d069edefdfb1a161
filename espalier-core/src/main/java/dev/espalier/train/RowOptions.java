package dev.espalier.train;

/**
 * How a batch's rows are made up and what is computed of them. The defaults do what is needed; the others are for comparing
 * with what plain implementations do, and give the same loss to rounding.
 *
 * @param packing whether several short examples of a task that asks for texts share a row
 * @param rowOrder which rows come together
 * @param padding how long rows are
 * @param logits for which tokens of a task that asks for texts
 * @param attention how decoders' attention hides what a token may not see
 */
public record RowOptions(boolean packing, Order rowOrder, Padding padding, Logits logits, Attention attention) {
    /** Rows of like lengths, no more padding than the model needs, logits where there are labels, attention in tiles. */
    public static final RowOptions DEFAULT =
            new RowOptions(false, Order.LIKE_LENGTHS, Padding.NEEDED, Logits.LABELS, Attention.TILES);

    /** With packing or without. */
    public RowOptions packed(boolean value) {
        return new RowOptions(value, rowOrder, padding, logits, attention);
    }

    /** With other padding. */
    public RowOptions padded(Padding value) {
        return new RowOptions(packing, rowOrder, value, logits, attention);
    }

    /** Which rows come together in a batch. */
    public enum Order {
        /** Shuffled, but of like lengths, so that little is padding. */
        LIKE_LENGTHS,
        /** Shuffled. */
        ANY
    }

    /** How long rows are. */
    public enum Padding {
        /**
         * As the longest that one worker has. Sequences of tasks that ask for texts follow one another without padding, where
         * the model tells them apart.
         */
        NEEDED,
        /** As its longest. */
        LONGEST,
        /** As the longest that there may be. */
        MAX_TOKENS
    }

    /** For which tokens logits are computed. */
    public enum Logits {
        /** For those that a label follows, some at a time. */
        LABELS,
        /** For all tokens at once, and differentiated by libtorch. */
        ALL
    }

    /** How attention of decoders hides what a token may not see. */
    public enum Attention {
        /** Tiles leave most of it out. */
        TILES,
        /** All of a row is computed, and one mask hides it. */
        ONE_MASK
    }
}
