package dev.espalier.routing;

import dev.espalier.tensor.Layout;
import java.util.Arrays;

/**
 * The rows of scores of one pass, and the sequence that each belongs to: one row a token, or several. Rows of padding
 * belong to none; they are never routed and enter no count and no loss.
 */
final class Rows {
    private final int[] sequenceOf;
    private final int[] firsts;
    private final int[] lengths;

    /** @param perToken rows of a token, which lie next to each other */
    Rows(Layout layout, int perToken) {
        var ofToken = layout.segmentOfToken();
        if (perToken == 1) {
            sequenceOf = ofToken;
        } else {
            sequenceOf = new int[ofToken.length * perToken];
            Arrays.setAll(sequenceOf, row -> ofToken[row / perToken]);
        }
        firsts = layout.segments().stream()
                .mapToInt(segment -> layout.first(segment) * perToken)
                .toArray();
        lengths =
                Arrays.stream(layout.lengths()).map(length -> length * perToken).toArray();
    }

    int count() {
        return sequenceOf.length;
    }

    /** Rows that are not padding. */
    int routed() {
        return Arrays.stream(lengths).sum();
    }

    boolean isPadding(int row) {
        return sequenceOf[row] < 0;
    }

    int sequences() {
        return lengths.length;
    }

    /** The sequence's first row; the others follow it. */
    int first(int sequence) {
        return firsts[sequence];
    }

    /** Rows of the sequence. */
    int length(int sequence) {
        return lengths[sequence];
    }
}
