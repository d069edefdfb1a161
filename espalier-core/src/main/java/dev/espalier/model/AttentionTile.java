package dev.espalier.model;

import dev.espalier.tensor.Layout;
import java.util.ArrayList;
import java.util.List;

/**
 * Neighbouring queries of one sequence, or of the same places of all rows, and the keys that the last of them sees. Causal
 * attention cut into tiles computes little that no query may see, and never more scores at once than a tile has.
 *
 * @param row the first row
 * @param rows how many rows; more than one only where sequences begin at the rows' start
 * @param firstQuery place of the first query in the row
 * @param queries how many
 * @param firstKey place of the first key in the row
 * @param keys how many; the last is that of the last query
 */
record AttentionTile(int row, int rows, int firstQuery, int queries, int firstKey, int keys) {
    /**
     * The tiles of all sequences.
     *
     * @param layout sequences at the rows' start, padded at the right, or packed
     * @param window how many tokens back a query sees, itself included; 0 for all
     * @param most queries of a tile
     */
    static List<AttentionTile> of(Layout layout, int window, int most) {
        var tiles = new ArrayList<AttentionTile>();
        if (startsTogether(layout)) {
            add(tiles, 0, layout.rows(), 0, layout.tokens(), window, most);
        } else {
            for (var segment : layout.segments()) {
                add(tiles, segment.row(), 1, segment.start(), segment.length(), window, most);
            }
        }
        return tiles;
    }

    /** Whether each row is one sequence from the row's start: then what pads its end comes after all that is read. */
    static boolean startsTogether(Layout layout) {
        return layout.unpacked() && layout.segments().stream().allMatch(segment -> segment.start() == 0);
    }

    /** Whether tiles cover every token that anybody reads. */
    static boolean readsAll(Layout layout) {
        return startsTogether(layout) || layout.filled();
    }

    private static void add(List<AttentionTile> tiles, int row, int rows, int start, int length, int window, int most) {
        for (int first = 0; first < length; first += most) {
            int queries = Math.min(most, length - first);
            int firstKey = window == 0 ? 0 : Math.max(0, first - window + 1);
            tiles.add(
                    new AttentionTile(row, rows, start + first, queries, start + firstKey, first + queries - firstKey));
        }
    }

    /** Whether every query sees the same keys, as the only one of its tile does. */
    boolean seesAll() {
        return queries == 1;
    }
}
