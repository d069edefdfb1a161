package dev.espalier.data;

import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A row of a data file.
 *
 * @param cells a text, a list of texts, or null by the column's name
 */
record Row(Origin origin, Map<String, @Nullable Object> cells) {
    /** The text of a column. */
    String text(String column) {
        var cell = cells.get(column);
        if (cell instanceof List) {
            throw wrong(column, "holds a list; expected one text");
        }
        return filled(cell, column);
    }

    /** Whether a column has anything in it. */
    boolean filled(String column) {
        var cell = cells.get(column);
        return cell != null && !cell.toString().isBlank();
    }

    /** The list of a column, or its text taken apart; an empty cell is an empty list. */
    List<String> list(String column, String separator) {
        var cell = cells.get(column);
        if (cell instanceof List<?> list) {
            var texts = new ArrayList<String>(list.size());
            list.forEach(entry -> texts.add(filled(entry, column)));
            return texts;
        }
        if (cell == null || cell.toString().isBlank()) {
            return List.of();
        }
        var parts = Pattern.compile(separator.isBlank() ? "\\s+" : Pattern.quote(separator))
                .split(cell.toString().strip());
        return Arrays.stream(parts).map(part -> filled(part, column).strip()).toList();
    }

    /** The number of a column. */
    double number(String column) {
        var text = text(column);
        double number = Double.NaN;
        try {
            number = Double.parseDouble(text);
        } catch (NumberFormatException e) {
            // NaN is refused below, with the same sentence
        }
        if (!Double.isFinite(number)) {
            throw wrong(column, "is '" + text + "', which is not a number");
        }
        return number;
    }

    InputException wrong(String column, String what) {
        return new InputException(origin + ": column '" + column + "' " + what + ".");
    }

    private String filled(@Nullable Object cell, String column) {
        if (cell == null || cell.toString().isBlank()) {
            throw wrong(column, "is empty; fill it in, or remove the row");
        }
        return cell.toString();
    }
}
