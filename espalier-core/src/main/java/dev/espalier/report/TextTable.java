package dev.espalier.report;

import java.util.ArrayList;
import java.util.List;

/** A table of texts, for the terminal as aligned columns. */
public final class TextTable {
    private static final String GAP = "  ";

    private final List<Column> columns;
    private final List<List<String>> rows = new ArrayList<>();

    /** An empty table. */
    public TextTable(List<Column> columns) {
        this.columns = List.copyOf(columns);
    }

    /** @param numeric whether cells are aligned right */
    public record Column(String header, boolean numeric) {
        /** A column of words. */
        public static Column text(String header) {
            return new Column(header, false);
        }

        /** A column of numbers. */
        public static Column number(String header) {
            return new Column(header, true);
        }
    }

    /** Adds a row, a cell for each column. */
    public TextTable row(List<String> cells) {
        if (cells.size() != columns.size()) {
            throw new IllegalArgumentException(cells.size() + " cells for " + columns.size() + " columns.");
        }
        rows.add(List.copyOf(cells));
        return this;
    }

    /** Adds a row, a cell for each column. */
    public TextTable row(String... cells) {
        return row(List.of(cells));
    }

    /** The columns, in order. */
    public List<Column> columns() {
        return columns;
    }

    /** The rows, in order. */
    public List<List<String>> rows() {
        return List.copyOf(rows);
    }

    /** Header, a rule, and a line for each row; columns as wide as their widest cell, no space at a line's end. */
    @Override
    public String toString() {
        var widths = new int[columns.size()];
        for (int column = 0; column < widths.length; column++) {
            widths[column] = width(columns.get(column).header());
            for (var row : rows) {
                widths[column] = Math.max(widths[column], width(row.get(column)));
            }
        }
        var text = new StringBuilder();
        append(text, columns.stream().map(Column::header).toList(), widths);
        List<String> rules = new ArrayList<>();
        for (int width : widths) {
            rules.add("─".repeat(width));
        }
        append(text, rules, widths);
        rows.forEach(row -> append(text, row, widths));
        return text.toString();
    }

    private void append(StringBuilder text, List<String> cells, int[] widths) {
        var line = new StringBuilder();
        for (int column = 0; column < widths.length; column++) {
            var cell = cells.get(column);
            var space = " ".repeat(widths[column] - width(cell));
            line.append(column == 0 ? "" : GAP);
            line.append(columns.get(column).numeric() ? space + cell : cell + space);
        }
        text.append(line.toString().stripTrailing()).append('\n');
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
