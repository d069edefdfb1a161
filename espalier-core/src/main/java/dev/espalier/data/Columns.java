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
 * @param messages a conversation: {@code messages}, {@code conversations}
 * @param prompt what is answered: {@code instruction}, {@code prompt}, {@code question}
 * @param context an instruction's input: {@code input}, {@code context}
 * @param response what answers it: {@code completion}, {@code response}, {@code output}, {@code answer}
 * @param split the row's split: {@code split}
 */
public record Columns(
        @Nullable String text,
        @Nullable String textPair,
        @Nullable String label,
        @Nullable String labels,
        @Nullable String words,
        @Nullable String messages,
        @Nullable String prompt,
        @Nullable String context,
        @Nullable String response,
        @Nullable String split) {
    /** Columns of a task that asks for labels or a number. */
    public Columns(
            @Nullable String text,
            @Nullable String textPair,
            @Nullable String label,
            @Nullable String labels,
            @Nullable String words,
            @Nullable String split) {
        this(text, textPair, label, labels, words, null, null, null, null, split);
    }

    /** All columns guessed. */
    public static final Columns GUESSED = new Columns(null, null, null, null, null, null, null, null, null, null);
}
