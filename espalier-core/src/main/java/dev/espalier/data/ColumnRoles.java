package dev.espalier.data;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** Which column of one table is what: as the task says, else by the usual names. */
final class ColumnRoles {
    private static final List<String> SPLIT = List.of("split");

    private final TaskKind kind;
    private final List<String> read;
    private final Set<String> nested;
    private final Function<Row, Example> example;
    private final Optional<String> split;

    /**
     * @param given what is asked, if known already
     * @throws dev.espalier.error.InputException if a column is missing; it says which there are
     */
    ColumnRoles(Table table, TaskSpec spec, Optional<TaskKind> given) {
        var names = new ColumnNames(table.where(), table.columns());
        kind = given.orElseGet(() ->
                TextColumns.fit(names, spec) ? TaskKind.CAUSAL_LM : LabelColumns.guess(table, names, spec.columns()));
        if (kind == TaskKind.CAUSAL_LM) {
            var texts = TextColumns.find(names, spec);
            read = texts.columns();
            nested = texts.nested();
            example = texts::example;
        } else if (kind == TaskKind.CHOICE) {
            var choices = ChoiceColumns.find(names, spec.columns());
            read = choices.columns();
            nested = Set.of();
            example = choices::example;
        } else {
            var labels = LabelColumns.find(names, spec, kind);
            read = labels.columns();
            nested = Set.of();
            example = labels::example;
        }
        split = names.find("split", spec.columns().split(), SPLIT);
    }

    TaskKind kind() {
        return kind;
    }

    /** The columns to read. */
    List<String> columns() {
        return Stream.concat(read.stream(), split.stream()).distinct().toList();
    }

    /** Those that hold more than texts and lists of texts: each is read as one JSON text. */
    Set<String> nested() {
        return nested;
    }

    /** The split that the row names; training where no column does. */
    Split split(Row row) {
        if (split.isEmpty()) {
            return Split.TRAIN;
        }
        var name = row.text(split.get());
        return Split.named(name)
                .orElseThrow(() -> row.wrong(split.get(), "is '" + name + "'; expected train, validation or test"));
    }

    Example example(Row row) {
        return example.apply(row);
    }
}
