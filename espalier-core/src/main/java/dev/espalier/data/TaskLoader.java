package dev.espalier.data;

import dev.espalier.data.wordnet.BuiltinTask;
import dev.espalier.data.wordnet.BuiltinTasks;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Reads a task's examples from where its {@link TaskSpec} says. */
public final class TaskLoader {
    private final TaskSpec spec;
    private final Map<Split, List<Example>> splits = new EnumMap<>(Split.class);

    private TaskLoader(TaskSpec spec) {
        this.spec = spec;
    }

    /**
     * Loads a task.
     *
     * @param folder where relative paths of files and queries start, such as the recipe's folder
     * @throws InputException if a file, column, row or label is wrong; it says which
     */
    public static TaskData load(TaskSpec spec, Path folder) {
        try (var database = DuckDb.open(folder)) {
            return new TaskLoader(spec).load(database, folder);
        }
    }

    private TaskData load(DuckDb database, Path folder) {
        Map<String, String> descriptions = Map.of();
        Optional<TaskKind> kind = Optional.ofNullable(spec.kind());
        var builtin = spec.builtin();
        var file = spec.file();
        var sql = spec.sql();
        if (builtin != null) {
            var task = BuiltinTasks.find(builtin);
            descriptions = task.labelDescriptions();
            kind = read(Table.file(database, task.file(spec.seed())), Optional.empty(), Optional.of(kind(task)));
        } else if (file != null) {
            kind = read(Table.file(database, folder.resolve(file)), Optional.empty(), kind);
        } else if (sql != null) {
            kind = read(Table.query(database, "sql of task '" + spec.title() + "'", sql), Optional.empty(), kind);
        } else {
            for (var split : new TreeMap<>(spec.files()).entrySet()) {
                kind = read(Table.file(database, folder.resolve(split.getValue())), Optional.of(split.getKey()), kind);
            }
        }
        return finish(kind.orElseThrow(), descriptions, folder);
    }

    /** A built-in task that asks for a label or a choice may also be asked for its text, any other for a text only. */
    private TaskKind kind(BuiltinTask task) {
        boolean labels = task.kind() == dev.espalier.data.wordnet.TaskKind.CLASSIFICATION;
        boolean choices = task.kind() == dev.espalier.data.wordnet.TaskKind.CHOICE;
        var asked = spec.kind() != null ? spec.kind() : labels ? TaskKind.SINGLE_LABEL : TaskKind.CAUSAL_LM;
        boolean fits = asked == TaskKind.CAUSAL_LM
                || labels && asked == TaskKind.SINGLE_LABEL
                || choices && asked == TaskKind.CHOICE;
        if (!fits) {
            throw new InputException("The built-in task '" + task.name() + "' asks for "
                    + (labels ? "a label" : choices ? "a choice" : "a text") + "; its kind can be "
                    + (labels ? "single-label or " : choices ? "choice or " : "") + "causal-lm only.");
        }
        return asked;
    }

    /**
     * Reads one table.
     *
     * @param split the split all of its rows belong to; empty if its own column says
     */
    private Optional<TaskKind> read(Table table, Optional<Split> split, Optional<TaskKind> kind) {
        var roles = new ColumnRoles(table, spec, kind);
        table.read(roles.columns(), roles.nested(), row -> splits.computeIfAbsent(
                        split.orElseGet(() -> roles.split(row)), none -> new ArrayList<>())
                .add(roles.example(row)));
        return Optional.of(roles.kind());
    }

    private TaskData finish(TaskKind kind, Map<String, String> descriptions, Path folder) {
        var labels = labels(kind);
        holdOut(Split.TEST, spec.testFraction());
        holdOut(Split.VALIDATION, spec.validationFraction());
        splits.replaceAll((split, examples) -> sample(examples));
        if (!spec.labelDescriptions().isEmpty()) {
            requireDescribed(labels);
        }
        return new TaskData(
                spec.title(),
                kind,
                examples(Split.TRAIN),
                examples(Split.VALIDATION),
                examples(Split.TEST),
                labels,
                spec.labelDescriptions().isEmpty() ? descriptions : spec.labelDescriptions(),
                spec.causalLm().in(folder));
    }

    /** The labels of the training split as the data gives it: before a part is held out or rows are limited. */
    private LabelSpace labels(TaskKind kind) {
        if (examples(Split.TRAIN).isEmpty()) {
            throw new InputException("Task '" + spec.title() + "' has no row for training; its split must say train.");
        }
        var labels = LabelSpace.of(examples(Split.TRAIN).stream()
                .flatMap(example -> example.target().names().stream())
                .toList());
        int least =
                switch (kind) {
                    case REGRESSION, CAUSAL_LM, CHOICE -> 0;
                    case MULTI_LABEL -> 1;
                    case SINGLE_LABEL, TOKEN_LABELS -> 2;
                };
        if (labels.size() < least) {
            throw new InputException("Task '" + spec.title() + "' has too few labels in its training split: "
                    + labels.names() + "; there must be " + least + " at least.");
        }
        for (var examples : splits.values()) {
            examples.forEach(
                    example -> example.target().names().forEach(label -> labels.index(label, example.origin())));
        }
        return labels;
    }

    private void requireDescribed(LabelSpace labels) {
        var descriptions = spec.labelDescriptions();
        for (var label : labels.names()) {
            if (!descriptions.containsKey(label)) {
                throw new InputException("Task '" + spec.title() + "': label-descriptions has no line about the label '"
                        + label + "'; describe each label, or none to go by their names.");
            }
        }
        for (var described : descriptions.keySet()) {
            if (!labels.contains(described)) {
                throw new InputException("Task '" + spec.title() + "': label-descriptions describes '" + described
                        + "', which is no label of its training split"
                        + (labels.size() == 0
                                ? ", for it asks for no labels; remove label-descriptions."
                                : "; did you mean '"
                                        + Nearest.to(described, labels.names(), 1)
                                                .get(0) + "'?"));
            }
        }
    }

    /** Moves a share of the training rows to a split that the data does not have. */
    private void holdOut(Split split, double fraction) {
        if (!examples(split).isEmpty() || fraction == 0) {
            return;
        }
        var train = examples(Split.TRAIN);
        int count = (int) Math.max(1, Math.round(train.size() * fraction));
        if (count >= train.size()) {
            throw new InputException("Task '" + spec.title() + "' has " + train.size()
                    + " training rows, too few to hold out " + fraction + " of them.");
        }
        var order = Shuffle.order(train.size(), new SplittableRandom(spec.seed()));
        splits.put(split, pick(train, order, 0, count));
        splits.put(Split.TRAIN, pick(train, order, count, train.size()));
    }

    private List<Example> sample(List<Example> examples) {
        if (spec.limit() == 0 || examples.size() <= spec.limit()) {
            return examples;
        }
        return pick(examples, Shuffle.order(examples.size(), new SplittableRandom(spec.seed())), 0, spec.limit());
    }

    /** The examples at some places of a shuffled order, as they stood in the file. */
    private static List<Example> pick(List<Example> examples, int[] order, int from, int to) {
        return Arrays.stream(order, from, to).sorted().mapToObj(examples::get).toList();
    }

    private List<Example> examples(Split split) {
        return splits.getOrDefault(split, List.of());
    }
}
