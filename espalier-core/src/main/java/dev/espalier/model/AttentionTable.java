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
    private static final String HEADER = "device,dtype,tokens,packed,tile,us";

    /** Where nothing is measured. */
    private static final int USUAL_TILE = 256;

    /** Tokens of a sequence that is measured as a row of its own. */
    private static final int ALONE = 1024;

    /** The table of this release, which {@code espalier bench attention} made. */
    public static final AttentionTable RELEASED = released();

    public AttentionTable {
        rows = List.copyOf(rows);
    }

    /**
     * A measurement.
     *
     * @param tokens of a sequence
     * @param packed whether sequences shared a row, so that each had tiles of its own; else each was a row
     * @param tile queries of a tile at most; 0 for all at once under a mask
     * @param micros of a forward and a backward pass, microseconds
     */
    public record Row(String device, String dtype, int tokens, boolean packed, int tile, double micros) {
        /** A long sequence has its tiles for itself in either case. */
        private boolean tells(boolean ofPacked) {
            return ofPacked ? tile > 0 && (packed || tokens >= ALONE) : !packed;
        }

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
                        Boolean.parseBoolean(cells[3]),
                        Integer.parseInt(cells[4]),
                        Double.parseDouble(cells[5])))
                .toList());
    }

    /** The table as a file with a header. */
    public String csv() {
        return rows.stream()
                .map(row -> String.format(
                        Locale.ROOT,
                        "%s,%s,%d,%b,%d,%.0f",
                        row.device,
                        row.dtype,
                        row.tokens,
                        row.packed,
                        row.tile,
                        row.micros))
                .collect(Collectors.joining("\n", HEADER + "\n", "\n"));
    }

    /**
     * Queries of a tile for sequences of so many tokens; 0 for all at once under a mask.
     *
     * @param device as {@link dev.espalier.tensor.Engine#deviceName}
     * @param dtype as {@link dev.espalier.tensor.Engine#name}
     * @param packed whether sequences share rows: then a mask would be over all of them, and is no answer
     */
    public int tile(String device, String dtype, int tokens, boolean packed) {
        return rows.stream()
                .filter(row -> row.device.equals(device) && row.dtype.equals(dtype) && row.tells(packed))
                .min(Comparator.<Row>comparingDouble(row -> row.octaves(tokens)).thenComparingDouble(Row::micros))
                .map(Row::tile)
                .orElse(USUAL_TILE);
    }
}
