package dev.espalier.report;

import java.util.List;

/**
 * A shaded grid as SVG.
 *
 * @param rows names, one for each row of cells
 * @param columns names; they stand upright where one is longer than three characters
 * @param cells {@code [row][column]}
 * @param notes columns of plain text to the right, such as a row's total
 * @param cellWidth in pixels
 */
record Heatmap(List<String> rows, List<String> columns, List<List<Cell>> cells, List<Note> notes, double cellWidth) {
    private static final double CELL_HEIGHT = 24;
    private static final double CHARACTER = 7; // of an 11 px sans-serif, on the safe side
    private static final double NOTE_WIDTH = 56;
    private static final double SHORT_NAME = 3;
    /** The shade above which text is drawn in the colour for dark ground. */
    private static final double DARK = 0.55;

    /** @param shade 0 to 1 */
    record Cell(String text, double shade, String tooltip) {}

    /** @param values one for each row */
    record Note(String header, List<String> values) {}

    Markup svg(String label) {
        var left = CHARACTER * longest(rows) + 12;
        var upright = longest(columns) > SHORT_NAME;
        var top = upright ? CHARACTER * longest(columns) + 12 : 24;
        var right = left + cellWidth * columns.size();
        var width = right + NOTE_WIDTH * notes.size() + 2;
        var height = top + CELL_HEIGHT * rows.size() + 2;
        var svg = new Markup()
                .open(
                        "svg",
                        "class",
                        "heatmap",
                        "viewBox",
                        "0 0 " + Math.round(width) + " " + Math.round(height),
                        "width",
                        Math.round(width),
                        "height",
                        Math.round(height),
                        "role",
                        "img",
                        "aria-label",
                        label);
        for (int column = 0; column < columns.size(); column++) {
            columnName(svg, columns.get(column), left + cellWidth * (column + 0.5), top - 8, upright);
        }
        for (int note = 0; note < notes.size(); note++) {
            svg.element(
                    "text",
                    notes.get(note).header(),
                    "class",
                    "name",
                    "x",
                    right + NOTE_WIDTH * (note + 1) - 4,
                    "y",
                    top - 8,
                    "text-anchor",
                    "end");
        }
        for (int row = 0; row < rows.size(); row++) {
            var y = top + CELL_HEIGHT * row;
            svg.element("text", rows.get(row), "class", "name", "x", left - 8, "y", y + 16, "text-anchor", "end");
            for (int column = 0; column < columns.size(); column++) {
                cell(svg, cells.get(row).get(column), left + cellWidth * column, y);
            }
            for (int note = 0; note < notes.size(); note++) {
                svg.element(
                        "text",
                        notes.get(note).values().get(row),
                        "class",
                        "note",
                        "x",
                        right + NOTE_WIDTH * (note + 1) - 4,
                        "y",
                        y + 16,
                        "text-anchor",
                        "end");
            }
        }
        return svg.close("svg");
    }

    private static void columnName(Markup svg, String name, double x, double y, boolean upright) {
        if (upright) {
            svg.element(
                    "text",
                    name,
                    "class",
                    "name",
                    "transform",
                    "translate(" + Markup.number(x + 4) + " " + Markup.number(y) + ") rotate(-90)");
        } else {
            svg.element("text", name, "class", "name", "x", x, "y", y, "text-anchor", "middle");
        }
    }

    private void cell(Markup svg, Cell cell, double x, double y) {
        svg.open("g").element("title", cell.tooltip());
        svg.empty(
                "rect",
                "class",
                "cell",
                "x",
                x + 0.5,
                "y",
                y + 0.5,
                "width",
                cellWidth - 1,
                "height",
                CELL_HEIGHT - 1,
                "rx",
                2);
        svg.empty(
                "rect",
                "class",
                "heat",
                "x",
                x + 0.5,
                "y",
                y + 0.5,
                "width",
                cellWidth - 1,
                "height",
                CELL_HEIGHT - 1,
                "rx",
                2,
                "fill-opacity",
                cell.shade());
        if (!cell.text().isEmpty()) {
            svg.element(
                    "text",
                    cell.text(),
                    "class",
                    cell.shade() > DARK ? "count on" : "count",
                    "x",
                    x + cellWidth / 2,
                    "y",
                    y + 16,
                    "text-anchor",
                    "middle");
        }
        svg.close("g");
    }

    private static int longest(List<String> names) {
        return names.stream().mapToInt(String::length).max().orElse(0);
    }
}
