package dev.espalier.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Measured times of causal attention in tiles. A pass gets the tile that was fastest at the nearest measured length of its
 * device and dtype, so that a run repeats on every machine of the kind.
 */
public record AttentionTable(List<Row> rows) {
    private static final String HEADER = "device,dtype,tokens,tile,us";

    /** Where nothing is measured. */
    private static final int USUAL_TILE = 256;

    /** The table of this release, which {@code espalier bench attention} made. */
    public static final AttentionTable RELEASED = released();

    public AttentionTable {
        rows = List.copyOf(rows);
    }

    /**
     * A measurement.
     *
     * @param tokens of a sequence
     * @param tile queries of a tile at most; 0 for all at once under a mask
     * @param micros of a forward and a backward pass, microseconds
     */
    public record Row(String device, String dtype, int tokens, int tile, double micros) {
        private double octaves(int other) {
            return Math.abs(Math.log((double) tokens / other));
        }
    }

    private static AttentionTable released() {
        try (var in = AttentionTable.class.getResourceAsStream("attention.csv")) {
            return parse(
                    new String(Objects.requireNonNull(in, "attention.csv").readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads what {@link #csv} gives. */
    static AttentionTable parse(String csv) {
        return new AttentionTable(csv.lines()
                .skip(1)
                .map(line -> line.split(",", -1))
                .map(cells -> new Row(
                        cells[0],
                        cells[1],
                        Integer.parseInt(cells[2]),
                        Integer.parseInt(cells[3]),
                        Double.parseDouble(cells[4])))
                .toList());
    }

    /** The table as a file with a header. */
    public String csv() {
        return rows.stream()
                .map(row -> String.format(
                        Locale.ROOT, "%s,%s,%d,%d,%.0f", row.device, row.dtype, row.tokens, row.tile, row.micros))
                .collect(Collectors.joining("\n", HEADER + "\n", "\n"));
    }

    /**
     * Queries of a tile for sequences of so many tokens; 0 for all at once under a mask.
     *
     * @param device as {@link dev.espalier.tensor.Engine#deviceName}
     * @param dtype as {@link dev.espalier.tensor.Engine#name}
     */
    public int tile(String device, String dtype, int tokens) {
        return rows.stream()
                .filter(row -> row.device.equals(device) && row.dtype.equals(dtype))
                .min(Comparator.<Row>comparingDouble(row -> row.octaves(tokens)).thenComparingDouble(Row::micros))
                .map(Row::tile)
                .orElse(USUAL_TILE);
    }
}
