package dev.espalier.data;

import dev.espalier.error.InputException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Which column of one table is what: as the task says, else by the usual names. */
final class ColumnRoles {
    private static final List<String> LABEL = List.of("output", "label", "score");
    private static final List<String> LABELS = List.of("labels", "tags", "ner_tags");
    private static final List<String> SPLIT = List.of("split");

    private final TaskKind kind;
    private final InputColumns input;
    private final String target;
    private final @Nullable String split;
    private final String separator;

    /**
     * @param given what is asked, if known already
     * @throws InputException if a column is missing; it says which there are
     */
    ColumnRoles(Table table, TaskSpec spec, Optional<TaskKind> given) {
        var names = new ColumnNames(table.where(), table.columns());
        var columns = spec.columns();
        kind = given.orElseGet(() -> guess(table, names, columns));
        boolean perWord = kind == TaskKind.TOKEN_LABELS;
        input = InputColumns.find(names, columns, perWord);
        if (perWord || kind == TaskKind.MULTI_LABEL) {
            target = names.find("labels", columns.labels(), LABELS)
                    .or(() -> names.find("label", columns.label(), LABEL))
                    .orElseGet(() -> names.need("labels", null, LABELS));
        } else {
            target = names.need("label", columns.label(), LABEL);
        }
        split = names.find("split", columns.split(), SPLIT).orElse(null);
        var separators = spec.labelSeparator();
        separator = separators != null ? separators : perWord ? " " : ",";
    }

    /** What the columns look like they ask, where the task does not say. */
    private static TaskKind guess(Table table, ColumnNames names, Columns columns) {
        var label = names.find("label", columns.label(), LABEL);
        boolean noText = names.find("text", columns.text(), InputColumns.TEXT).isEmpty();
        if (columns.words() != null
                || noText && names.find("words", null, InputColumns.WORDS).isPresent()) {
            return TaskKind.TOKEN_LABELS;
        }
        if (columns.labels() != null
                || label.isEmpty() && names.find("labels", null, LABELS).isPresent()
                || label.filter(table::holdsLists).isPresent()) {
            return TaskKind.MULTI_LABEL;
        }
        return label.filter(table::holdsFractions).isPresent() ? TaskKind.REGRESSION : TaskKind.SINGLE_LABEL;
    }

    TaskKind kind() {
        return kind;
    }

    /** The columns to read. */
    List<String> columns() {
        return Stream.concat(input.columns(), Stream.of(target, split).flatMap(Stream::ofNullable))
                .distinct()
                .toList();
    }

    /** The split that the row names; training where no column does. */
    Split split(Row row) {
        if (split == null) {
            return Split.TRAIN;
        }
        var name = row.text(split);
        return Split.named(name)
                .orElseThrow(() -> row.wrong(split, "is '" + name + "'; expected train, validation or test"));
    }

    Example example(Row row) {
        var read = input.input(row);
        return new Example(read, target(row, read), row.origin());
    }

    private Target target(Row row, Input read) {
        if (read instanceof Input.Words words) {
            var labels = row.list(target, separator);
            if (labels.size() != words.words().size()) {
                throw row.wrong(
                        target,
                        "has " + labels.size() + " labels for " + words.words().size() + " words");
            }
            return new Target.WordLabels(labels);
        }
        if (kind == TaskKind.MULTI_LABEL) {
            return new Target.Labels(row.list(target, separator));
        }
        return kind == TaskKind.REGRESSION ? new Target.Value(row.number(target)) : new Target.Label(row.text(target));
    }
}
