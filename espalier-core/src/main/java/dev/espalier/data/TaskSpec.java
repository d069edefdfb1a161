package dev.espalier.data;

import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a task's examples come from and what is asked; a task of a recipe, with kebab-case keys. Exactly one of
 * {@code builtin}, {@code file}, {@code files} and {@code sql} is given. Files are JSON Lines ({@code .jsonl},
 * {@code .ndjson}, {@code .json}), CSV with commas, TSV or Parquet; the text formats may be compressed ({@code .gz}).
 *
 * @param name the task's name in logs, metrics and heads; by default the built-in task's or the file's
 * @param builtin the name of a built-in task
 * @param file one file with every split, told apart by the column {@code split}; without that column all of it is
 *     training data
 * @param files a file per split: {@code train}, {@code validation}, {@code test}
 * @param sql a DuckDB query over local files, for example {@code select body as text, tag as label from 'mails.parquet'};
 *     its rows are split like those of {@code file}
 * @param kind what is asked; by default guessed from the columns
 * @param columns which column is what; by default guessed from their names
 * @param labelSeparator what stands between several labels in one text; by default a comma, or space between the labels
 *     of words
 * @param causalLm how rows become texts where the kind is {@link TaskKind#CAUSAL_LM}
 * @param validationFraction the share of the training rows, drawn by {@code seed}, that becomes the validation split if
 *     there is none; 0 for no validation
 * @param testFraction the same for the test split, drawn first
 * @param seed draws the splits and the rows of {@code limit}, and builds a built-in task
 * @param limit rows of each split at most, drawn by {@code seed}; 0 for all
 * @param labelDescriptions a line about each label, where labels are embedded; empty for those of a built-in task, or the
 *     labels' names
 */
public record TaskSpec(
        @Nullable String name,
        @Nullable String builtin,
        @Nullable String file,
        Map<Split, String> files,
        @Nullable String sql,
        @Nullable TaskKind kind,
        Columns columns,
        @Nullable String labelSeparator,
        CausalOptions causalLm,
        double validationFraction,
        double testFraction,
        long seed,
        int limit,
        Map<String, String> labelDescriptions) {

    public TaskSpec {
        labelDescriptions = labelDescriptions == null ? Map.of() : Map.copyOf(labelDescriptions);
        files = files == null ? Map.of() : Map.copyOf(files);
        columns = columns == null ? Columns.GUESSED : columns;
        causalLm = causalLm == null ? CausalOptions.DEFAULT : causalLm;
        int sources = (int) Stream.of(builtin != null, file != null, !files.isEmpty(), sql != null)
                .filter(given -> given)
                .count();
        var called = "Task" + (name == null ? "" : " '" + name + "'");
        if (sources != 1) {
            throw new InputException(
                    called + " has " + sources + " sources of data; give exactly one of builtin, file, files and sql.");
        }
        if (!files.isEmpty() && !files.containsKey(Split.TRAIN)) {
            throw new InputException(called + " has files but none for train; add files.train.");
        }
        checkFraction(called, "validation-fraction", validationFraction);
        checkFraction(called, "test-fraction", testFraction);
        if (limit < 0) {
            throw new InputException(called + ": limit is " + limit + "; give 0 for all rows or a number of rows.");
        }
    }

    /** A built-in task. */
    public static TaskSpec builtin(String name) {
        return of(name, name, null, Map.of(), null);
    }

    /** One file with a column {@code split}, or of training rows only. */
    public static TaskSpec file(String name, String file) {
        return of(name, null, file, Map.of(), null);
    }

    /** A file per split. */
    public static TaskSpec files(String name, Map<Split, String> files) {
        return of(name, null, null, files, null);
    }

    /** A query over local files. */
    public static TaskSpec sql(String name, String sql) {
        return of(name, null, null, Map.of(), sql);
    }

    private static TaskSpec of(
            String name,
            @Nullable String builtin,
            @Nullable String file,
            Map<Split, String> files,
            @Nullable String sql) {
        return new TaskSpec(
                name,
                builtin,
                file,
                files,
                sql,
                null,
                Columns.GUESSED,
                null,
                CausalOptions.DEFAULT,
                0,
                0,
                0,
                0,
                Map.of());
    }

    /** The same task with what is asked said, not guessed. */
    public TaskSpec withKind(TaskKind kind) {
        return with(copy -> copy.kind = kind);
    }

    /** The same task with columns named, not guessed. */
    public TaskSpec withColumns(Columns columns) {
        return with(copy -> copy.columns = columns);
    }

    /** The same task with something else between several labels in one text. */
    public TaskSpec withLabelSeparator(String labelSeparator) {
        return with(copy -> copy.labelSeparator = labelSeparator);
    }

    /** The same task with its rows made texts in another way. */
    public TaskSpec withCausalLm(CausalOptions causalLm) {
        return with(copy -> copy.causalLm = causalLm);
    }

    /** The same task with these shares of the training rows held out. */
    public TaskSpec withFractions(double validation, double test) {
        return with(copy -> {
            copy.validationFraction = validation;
            copy.testFraction = test;
        });
    }

    /** The same task, its splits drawn by another seed. */
    public TaskSpec withSeed(long seed) {
        return with(copy -> copy.seed = seed);
    }

    /** The same task with at most this many rows of each split. */
    public TaskSpec withLimit(int limit) {
        return with(copy -> copy.limit = limit);
    }

    /** The same task with a line about each label. */
    public TaskSpec withLabelDescriptions(Map<String, String> labelDescriptions) {
        return with(copy -> copy.labelDescriptions = labelDescriptions);
    }

    private TaskSpec with(Consumer<Copy> change) {
        var copy = new Copy();
        change.accept(copy);
        return copy.spec();
    }

    /** The task's name: as given, else the built-in task's, else the training file's without its ending. */
    public String title() {
        if (name != null) {
            return name;
        }
        if (builtin != null) {
            return builtin;
        }
        var data = file != null ? file : files.getOrDefault(Split.TRAIN, "sql");
        return Path.of(data).getFileName().toString().replaceAll("(?<=.)\\..*$", "");
    }

    private static void checkFraction(String called, String key, double fraction) {
        if (!(fraction >= 0 && fraction < 1)) {
            throw new InputException(called + ": " + key + " is " + fraction + "; give a share from 0 to below 1.");
        }
    }

    /** What of this task may change, while some of it does. */
    private final class Copy {
        private @Nullable TaskKind kind = kind();
        private Columns columns = columns();
        private @Nullable String labelSeparator = labelSeparator();
        private CausalOptions causalLm = causalLm();
        private double validationFraction = validationFraction();
        private double testFraction = testFraction();
        private long seed = seed();
        private int limit = limit();
        private Map<String, String> labelDescriptions = labelDescriptions();

        TaskSpec spec() {
            return new TaskSpec(
                    name,
                    builtin,
                    file,
                    files,
                    sql,
                    kind,
                    columns,
                    labelSeparator,
                    causalLm,
                    validationFraction,
                    testFraction,
                    seed,
                    limit,
                    labelDescriptions);
        }
    }
}
