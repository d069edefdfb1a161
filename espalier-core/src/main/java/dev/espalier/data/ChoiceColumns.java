package dev.espalier.data;

import java.util.HashSet;
import java.util.List;

/**
 * The columns of a task whose every row has candidates of its own.
 *
 * @param input the text
 * @param candidates a list of texts
 * @param right the right one: its text, or its number from 0 on
 */
record ChoiceColumns(String input, String candidates, String right) {
    private static final List<String> CANDIDATES = List.of("candidates", "choices", "options");
    private static final List<String> RIGHT = List.of("output", "label", "answer");

    static ChoiceColumns find(ColumnNames names, Columns columns) {
        return new ChoiceColumns(
                names.need("text", columns.text(), InputColumns.TEXT),
                names.need("candidates", null, CANDIDATES),
                names.need("label", columns.label(), RIGHT));
    }

    /** As {@link #find}, where the right one is not known. */
    static Input input(ColumnNames names, Columns columns, Row row) {
        return new ChoiceColumns(
                        names.need("text", columns.text(), InputColumns.TEXT),
                        names.need("candidates", null, CANDIDATES),
                        "")
                .input(row);
    }

    /** Every column that is read. */
    List<String> columns() {
        return List.of(input, candidates, right);
    }

    Example example(Row row) {
        var choice = input(row);
        return new Example(
                choice, new Target.Choice(right(row, choice.candidates()), choice.candidates()), row.origin());
    }

    private Input.Choice input(Row row) {
        var all = row.list(candidates, ",");
        if (all.size() < 2) {
            throw row.wrong(candidates, "has too few candidates, " + all.size() + "; a choice needs two at least");
        }
        if (new HashSet<>(all).size() < all.size()) {
            throw row.wrong(candidates, "holds a candidate twice: " + String.join(", ", all));
        }
        return new Input.Choice(row.text(input), all);
    }

    private int right(Row row, List<String> all) {
        var text = row.text(right);
        int place = all.indexOf(text);
        if (place < 0 && text.matches("\\d{1,4}") && Integer.parseInt(text) < all.size()) {
            return Integer.parseInt(text);
        }
        if (place < 0) {
            throw row.wrong(right, "is '" + text + "', which is none of the candidates " + String.join(", ", all));
        }
        return place;
    }
}
