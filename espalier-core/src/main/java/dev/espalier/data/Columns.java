package dev.espalier.data;

import org.jspecify.annotations.Nullable;

/**
 * Which column of a data file is what. What is not named is guessed among the names given here.
 *
 * @param text the text, or the first of two: {@code input}, {@code text}, {@code sentence}, {@code sentence1}
 * @param textPair the second text: {@code text_pair}, {@code sentence2}
 * @param label the label or number: {@code output}, {@code label}, {@code score}
 * @param labels several labels, or one per word, as a list or one text: {@code labels}, {@code tags}, {@code ner_tags}
 * @param words the words of a text, as a list or a text with spaces: {@code words}, {@code tokens}
 * @param split the row's split: {@code split}
 */
public record Columns(
        @Nullable String text,
        @Nullable String textPair,
        @Nullable String label,
        @Nullable String labels,
        @Nullable String words,
        @Nullable String split) {
    /** All columns guessed. */
    public static final Columns GUESSED = new Columns(null, null, null, null, null, null);
}
