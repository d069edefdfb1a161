package dev.espalier.cli.recipe;

import org.jspecify.annotations.Nullable;

/** A task's file for each split. */
public record FilesSection(
        @Key(value = "What is learned from.", example = "train.jsonl") @Nullable String train,

        @Key(value = "What the best checkpoint is chosen by.", example = "validation.jsonl") @Nullable String validation,

        @Key(value = "What the final score is of.", example = "test.jsonl") @Nullable String test) {
    static final FilesSection DEFAULT = new FilesSection(null, null, null);
}
