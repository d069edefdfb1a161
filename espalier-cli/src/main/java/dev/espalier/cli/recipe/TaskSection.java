package dev.espalier.cli.recipe;

import dev.espalier.data.Split;
import dev.espalier.data.TaskKind;
import dev.espalier.data.TaskSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A task; see {@link TaskSpec}, which it becomes. */
public record TaskSection(
        @Key(
                value =
                        "A built-in task, made of WordNet or LanguageTool: noun-supersense, verb-supersense, topic, ...",
                example = "noun-supersense")
        @Nullable String builtin,

        @Key(
                value =
                        "A file (.jsonl, .csv, .tsv, .parquet; text also as .gz) with every split, told apart by a column named split; without that column it is all training data.",
                example = "data/mails.csv")
        @Nullable String file,

        @Key("Or a file for each split.") FilesSection files,

        @Key(
                value = "Or the rows of a DuckDB query over local files.",
                example = "select body as text, tag as label from 'mails.parquet'")
        @Nullable String sql,

        @Key(
                value = "Its name in logs, metrics and files; by default the built-in task's or the file's.",
                example = "mails")
        @Nullable String name,

        @Key(value = "What is asked; by default guessed from the columns.", example = "single-label") @Nullable TaskKind kind,

        @Key("Which column is what; by default guessed from their names.")
        ColumnsSection columns,

        @Key(
                value =
                        "What stands between several labels in one text; by default a comma, or a space between the labels of words.",
                example = ";")
        @Nullable String labelSeparator,

        @Key("How rows become texts, where the kind is causal-lm.")
        CausalLmSection causalLm,

        @Key(
                value = "Share of the training rows held out for validation if the data has no validation split.",
                atLeast = 0,
                below = 1)
        double validationFraction,

        @Key(value = "The same for the test split; it is drawn first.", atLeast = 0, below = 1)
        double testFraction,

        @Key("Draws splits and limited rows; the order of training has a seed of its own.")
        long seed,

        @Key(value = "Rows of each split at most; 0 for all.", atLeast = 0)
        int limit,

        @Key(
                "A line about each label, where the head is label-embeddings; by default those of a built-in task, or the labels' names.")
        Map<String, String> labelDescriptions)
        implements Checked {
    /** A task without data: each needs its own. */
    public static final TaskSection DEFAULT = of(null);

    /** A built-in task as it is. */
    static TaskSection builtin(String builtin) {
        return of(builtin);
    }

    private static TaskSection of(@Nullable String builtin) {
        return new TaskSection(
                builtin,
                null,
                FilesSection.DEFAULT,
                null,
                null,
                null,
                ColumnsSection.DEFAULT,
                null,
                CausalLmSection.DEFAULT,
                0,
                0,
                0,
                0,
                Map.of());
    }

    /** The same task with a limit and a share for validation where it sets none. */
    TaskSection orElse(int rows, double fraction) {
        return with(kind, validationFraction == 0 ? fraction : validationFraction, limit == 0 ? rows : limit);
    }

    /** The same task with what is asked said. */
    public TaskSection withKind(TaskKind given) {
        return with(given, validationFraction, limit);
    }

    private TaskSection with(@Nullable TaskKind asked, double validation, int rows) {
        return new TaskSection(
                builtin,
                file,
                files,
                sql,
                name,
                asked,
                columns,
                labelSeparator,
                causalLm,
                validation,
                testFraction,
                seed,
                rows,
                labelDescriptions);
    }

    @Override
    public void check() {
        spec();
    }

    /** What the library needs to know of the task. */
    public TaskSpec spec() {
        Map<Split, String> perSplit = new LinkedHashMap<>();
        if (files.train() != null) {
            perSplit.put(Split.TRAIN, files.train());
        }
        if (files.validation() != null) {
            perSplit.put(Split.VALIDATION, files.validation());
        }
        if (files.test() != null) {
            perSplit.put(Split.TEST, files.test());
        }
        return new TaskSpec(
                name == null ? builtin : name,
                builtin,
                file,
                perSplit,
                sql,
                kind,
                columns.columns(),
                labelSeparator,
                causalLm.options(),
                validationFraction,
                testFraction,
                seed,
                limit,
                labelDescriptions);
    }
}
