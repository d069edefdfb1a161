package dev.espalier.data;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The columns of a task that asks for labels or a number.
 *
 * @param separator what stands between several labels in one text
 */
record LabelColumns(TaskKind kind, InputColumns input, String target, String separator) {
    private static final List<String> LABEL = List.of("output", "label", "score");
    private static final List<String> LABELS = List.of("labels", "tags", "ner_tags");

    static LabelColumns find(ColumnNames names, TaskSpec spec, TaskKind kind) {
        var columns = spec.columns();
        boolean perWord = kind == TaskKind.TOKEN_LABELS;
        var input = InputColumns.find(names, columns, perWord);
        var target = perWord || kind == TaskKind.MULTI_LABEL
                ? names.find("labels", columns.labels(), LABELS)
                        .or(() -> names.find("label", columns.label(), LABEL))
                        .orElseGet(() -> names.need("labels", null, LABELS))
                : names.need("label", columns.label(), LABEL);
        var separator = Optional.ofNullable(spec.labelSeparator()).orElse(perWord ? " " : ",");
        return new LabelColumns(kind, input, target, separator);
    }

    /** What the columns look like they ask, where the task does not say. */
    static TaskKind guess(Table table, ColumnNames names, Columns columns) {
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

    /** Every column that is read. */
    List<String> columns() {
        return Stream.concat(input.columns(), Stream.of(target)).toList();
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
