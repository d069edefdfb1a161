package dev.espalier.data;

/**
 * Where an example comes from, for messages about it.
 *
 * @param source the file, or the name of the task whose query made it
 * @param row the data row, from 1; a header is not counted
 */
public record Origin(String source, long row) {
    @Override
    public String toString() {
        return source + ", row " + row;
    }
}
