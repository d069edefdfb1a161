package dev.espalier.data;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Items in parts of like size: the longest first, each into the part that has least (Graham 1969), then single items move
 * or change places between the largest part and another for as long as the larger of the two shrinks.
 */
final class Balance {
    private final int[] sizes;
    private final int[] partOf;
    private final int[] sums;

    private Balance(int[] sizes, int parts) {
        this.sizes = sizes;
        partOf = new int[sizes.length];
        sums = new int[parts];
    }

    /**
     * Distributes items.
     *
     * @param sizes of the items, not negative
     * @param parts at least 1
     * @return the places of each part's items, ascending
     */
    static int[][] of(int[] sizes, int parts) {
        var balance = new Balance(sizes, parts);
        balance.distribute();
        while (balance.improve()) {
            // Every time the sizes of parts lie closer together.
        }
        return IntStream.range(0, parts)
                .mapToObj(part -> IntStream.range(0, sizes.length)
                        .filter(item -> balance.partOf[item] == part)
                        .toArray())
                .toArray(int[][]::new);
    }

    private void distribute() {
        IntStream.range(0, sizes.length)
                .boxed()
                .sorted(Comparator.comparingInt(item -> -sizes[item]))
                .forEach(item -> {
                    int least = IntStream.range(0, sums.length)
                            .boxed()
                            .min(Comparator.comparingInt(part -> sums[part]))
                            .orElseThrow();
                    partOf[item] = least;
                    sums[least] += sizes[item];
                });
    }

    /** Makes the exchange that leaves the larger of its two parts smallest; false if there is none that shrinks it. */
    private boolean improve() {
        int most = Arrays.stream(sums).max().orElseThrow();
        int from = IntStream.range(0, sums.length)
                .filter(part -> sums[part] == most)
                .findFirst()
                .orElseThrow();
        int best = most;
        int given = -1;
        int taken = -1;
        int to = -1;
        for (int item = 0; item < sizes.length; item++) {
            if (partOf[item] != from) {
                continue;
            }
            // A move to each part, then a change of places with each item of another part.
            for (int other = -sums.length; other < sizes.length; other++) {
                int part = other < 0 ? -other - 1 : partOf[other];
                int shift = sizes[item] - (other < 0 ? 0 : sizes[other]);
                int larger = Math.max(most - shift, sums[part] + shift);
                if (part != from && larger < best) {
                    best = larger;
                    given = item;
                    taken = other;
                    to = part;
                }
            }
        }
        if (given < 0) {
            return false;
        }
        int shift = sizes[given] - (taken < 0 ? 0 : sizes[taken]);
        partOf[given] = to;
        if (taken >= 0) {
            partOf[taken] = from;
        }
        sums[from] -= shift;
        sums[to] += shift;
        return true;
    }
}
