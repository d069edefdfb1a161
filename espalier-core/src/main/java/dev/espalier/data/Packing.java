package dev.espalier.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Puts several short examples into one row, so that little of a batch is padding: within windows of shuffled examples,
 * longest first, each goes to the first row that has room for it (first fit decreasing). A {@link Batch} keeps them apart
 * as segments. The seed decides who meets whom; the same seed gives the same rows.
 */
public final class Packing {
    /** Examples of a window: enough to fill rows well, few enough to mix lengths anew from window to window. */
    private static final int WINDOW = 1024;

    private Packing() {}

    /**
     * Packs examples.
     *
     * @param maxTokens tokens of a row at most; a longer example has a row of its own
     * @param seed shuffles the examples
     * @return rows of examples; every example is in one of them
     */
    public static List<List<EncodedExample>> pack(List<EncodedExample> examples, int maxTokens, long seed) {
        var order = Shuffle.order(examples.size(), new SplittableRandom(seed));
        var rows = new ArrayList<List<EncodedExample>>();
        for (int from = 0; from < order.length; from += WINDOW) {
            var window = Arrays.stream(order, from, Math.min(from + WINDOW, order.length))
                    .mapToObj(examples::get)
                    .sorted(Comparator.comparingInt(example -> -example.length()))
                    .toList();
            rows.addAll(firstFit(window, maxTokens));
        }
        return rows;
    }

    /** The tokens of a row. */
    static int length(List<EncodedExample> row) {
        return row.stream().mapToInt(EncodedExample::length).sum();
    }

    private static List<List<EncodedExample>> firstFit(List<EncodedExample> longestFirst, int maxTokens) {
        var rows = new ArrayList<List<EncodedExample>>();
        var room = new int[longestFirst.size()];
        for (var example : longestFirst) {
            int row = 0;
            while (row < rows.size() && room[row] < example.length()) {
                row++;
            }
            if (row == rows.size()) {
                rows.add(new ArrayList<>());
                room[row] = maxTokens;
            }
            rows.get(row).add(example);
            room[row] -= example.length();
        }
        return rows;
    }
}
