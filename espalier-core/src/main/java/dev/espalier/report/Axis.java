package dev.espalier.report;

import java.util.List;
import java.util.stream.LongStream;

/**
 * A linear axis with ticks at multiples of 1, 2 or 5 times a power of ten.
 *
 * @param low value at its start
 * @param high value at its end, above {@code low}
 * @param step from tick to tick
 */
record Axis(double low, double high, double step) {
    /** An axis that holds both values, starts and ends at a tick, and has about that many ticks. */
    static Axis around(double low, double high, int ticks) {
        if (low == 0 && high == 0) {
            return upTo(1, ticks);
        }
        var margin = high > low ? 0 : Math.max(Math.abs(low), 1) / 2;
        var step = niceStep((high - low + 2 * margin) / ticks);
        return new Axis(Math.floor((low - margin) / step) * step, Math.ceil((high + margin) / step) * step, step);
    }

    /** An axis from 0 that ends at {@code high} itself. */
    static Axis upTo(double high, int ticks) {
        var end = high > 0 ? high : 1;
        return new Axis(0, end, niceStep(end / ticks));
    }

    private static double niceStep(double rough) {
        var power = Math.pow(10, Math.floor(Math.log10(rough)));
        var digit = rough / power;
        return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
    }

    List<Double> ticks() {
        var first = (long) Math.ceil(low / step - 1e-9);
        var last = (long) Math.floor(high / step + 1e-9);
        return LongStream.rangeClosed(first, last).mapToObj(i -> i * step).toList();
    }

    /** 0 at the start, 1 at the end. */
    double position(double value) {
        return (value - low) / (high - low);
    }

    /** The tick with as many decimals as the step needs. */
    String label(double tick) {
        var decimals = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
        return tick >= 10_000 && decimals == 0
                ? Figures.count(Math.round(tick))
                : Figures.fixed(tick == 0 ? 0 : tick, decimals);
    }
}
