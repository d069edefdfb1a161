package dev.espalier.allocation;

import dev.espalier.allocation.ProportionalRule.Bounds;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Whole numbers in proportion to shares by the largest remainder (Hamilton's method), between bounds. */
final class Apportionment {
    private final double[] shares;
    private final double minimum;
    private final double maximum;

    private Apportionment(double[] shares, Bounds bounds) {
        this.shares = shares;
        this.minimum = bounds.minimum();
        this.maximum = bounds.maximum().isPresent() ? bounds.maximum().getAsInt() : Double.POSITIVE_INFINITY;
    }

    /**
     * Numbers that add up to {@code total}, or to less where every share above 0 has reached the maximum.
     *
     * @param shares none negative
     * @param total at least the minimum times the number of shares
     */
    static int[] share(double[] shares, Bounds bounds, long total) {
        return new Apportionment(shares, bounds).share(total);
    }

    private int[] share(long total) {
        var quotas = quotas(total);
        var numbers = Arrays.stream(quotas)
                .mapToInt(quota -> Math.toIntExact((long) Math.floor(quota)))
                .toArray();
        long left = Math.round(Arrays.stream(quotas).sum())
                - Arrays.stream(numbers).asLongStream().sum();
        IntStream.range(0, quotas.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> numbers[i] - quotas[i]))
                .limit(left)
                .forEach(i -> numbers[i]++);
        return numbers;
    }

    /** {@code clamp(λ·share)} with the λ that makes them add up to {@code total}. */
    private double[] quotas(long total) {
        // Between two λ at which some share meets a bound, the sum is linear: find the stretch, then solve it.
        double start = 0;
        for (var share : shares) {
            for (double bound : new double[] {minimum, maximum}) {
                double meets = share > 0 ? bound / share : Double.POSITIVE_INFINITY;
                if (meets > start && Double.isFinite(meets) && sum(meets) <= total) {
                    start = meets;
                }
            }
        }
        double free = 0;
        double fixed = 0;
        for (var share : shares) {
            if (isFree(share, start)) {
                free += share;
            } else {
                fixed += clamp(share * start);
            }
        }
        double factor = free > 0 ? (total - fixed) / free : start;
        double from = start;
        return Arrays.stream(shares)
                .map(share -> clamp(share * (isFree(share, from) ? factor : from)))
                .toArray();
    }

    /** Whether the quota of {@code share} grows from λ on. */
    private boolean isFree(double share, double lambda) {
        return share > 0 && share * lambda >= minimum * (1 - 1e-12) && share * lambda < maximum * (1 - 1e-12);
    }

    private double sum(double lambda) {
        return Arrays.stream(shares).map(share -> clamp(share * lambda)).sum();
    }

    private double clamp(double quota) {
        return Math.min(maximum, Math.max(minimum, quota));
    }
}
