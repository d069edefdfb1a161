package dev.espalier.data;

import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Orders that depend on a seed only, the same on every machine and Java version. */
final class Shuffle {
    private Shuffle() {}

    /** 0 to {@code count}, exclusive, shuffled (Fisher and Yates). */
    static int[] order(int count, SplittableRandom random) {
        var order = IntStream.range(0, count).toArray();
        for (int last = count - 1; last > 0; last--) {
            int other = random.nextInt(last + 1);
            int moved = order[last];
            order[last] = order[other];
            order[other] = moved;
        }
        return order;
    }
}
