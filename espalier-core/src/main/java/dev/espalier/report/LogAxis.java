package dev.espalier.report;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A logarithmic axis that starts and ends at a tick: at 1, 2 or 5 times a power of ten, or where those are too many at
 * the powers alone.
 *
 * @param first number of its first tick: 3 for each power of ten, 0 for 1
 * @param last number of its last tick, above {@code first}
 */
record LogAxis(int first, int last) {
    private static final int[] DIGITS = {1, 2, 5};
    /** More labels than that run into each other. */
    private static final int MOST_LABELS = 7;

    /** An axis that holds both values, which are above 0. */
    static LogAxis around(double low, double high) {
        int first = (int) Math.floor(3 * Math.log10(low)) - 1;
        while (value(first + 1) <= low) {
            first++;
        }
        int last = first + 1;
        while (value(last) < high) {
            last++;
        }
        return new LogAxis(first, last);
    }

    private static double value(int tick) {
        return DIGITS[Math.floorMod(tick, 3)] * Math.pow(10, Math.floorDiv(tick, 3));
    }

    List<Double> ticks() {
        int step = last - first + 1 > MOST_LABELS ? 3 : 1;
        return IntStream.rangeClosed(first, last)
                .filter(tick -> Math.floorMod(tick, step) == 0)
                .mapToObj(LogAxis::value)
                .toList();
    }

    /** 0 at the start, 1 at the end. */
    double position(double value) {
        var start = Math.log(value(first));
        return (Math.log(value) - start) / (Math.log(value(last)) - start);
    }

    /** {@code 50}, {@code 200 k}, {@code 1 M}, {@code 5 G}. */
    String label(double tick) {
        return tick < 1e3
                ? plain(tick)
                : tick < 1e6
                        ? plain(tick / 1e3) + " k"
                        : tick < 1e9 ? plain(tick / 1e6) + " M" : plain(tick / 1e9) + " G";
    }

    private static String plain(double value) {
        return Markup.number(value);
    }
}
