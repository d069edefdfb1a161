package dev.espalier.cli.recipe;

import dev.espalier.data.Columns;
import org.jspecify.annotations.Nullable;

/** A task's columns; see {@link Columns}, which it becomes. */
public record ColumnsSection(
        @Key(value = "The text, or the first of two (guessed: input, text, sentence, sentence1).", example = "body")
        @Nullable String text,

        @Key(value = "The second text (guessed: text_pair, sentence2).", example = "reply") @Nullable String textPair,

        @Key(value = "The label or the number (guessed: output, label, score).", example = "tag") @Nullable String label,

        @Key(value = "Several labels, or one for each word (guessed: labels, tags, ner_tags).", example = "tags")
        @Nullable String labels,

        @Key(value = "The words of a text (guessed: words, tokens).", example = "tokens") @Nullable String words,

        @Key(value = "A conversation (guessed: messages, conversations).", example = "dialog") @Nullable String messages,

        @Key(value = "What is answered (guessed: instruction, prompt, question).", example = "request") @Nullable String prompt,

        @Key(value = "An instruction's input (guessed: input, context).", example = "material") @Nullable String context,

        @Key(value = "What answers it (guessed: completion, response, output, answer).", example = "reply") @Nullable String response,

        @Key(value = "The row's split: train, validation, test (guessed: split).", example = "part") @Nullable String split) {
    static final ColumnsSection DEFAULT =
            new ColumnsSection(null, null, null, null, null, null, null, null, null, null);

    Columns columns() {
        return new Columns(text, textPair, label, labels, words, messages, prompt, context, response, split);
    }
}
