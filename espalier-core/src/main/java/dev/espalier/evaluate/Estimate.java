package dev.espalier.evaluate;

import java.util.List;
import org.apache.commons.math3.stat.StatUtils;

/**
 * A number and where it lies.
 *
 * @param interval 95 %; from −∞ to ∞ where that is not known
 */
public record Estimate(double value, Interval interval) {

    /** The mean of runs that differ by their seed, with Student's interval; see {@link Interval#ofMean}. */
    public static Estimate ofMean(double... values) {
        return new Estimate(StatUtils.mean(values), Interval.ofMean(values));
    }

    /**
     * How much higher {@code values} are than {@code others} on average, with Student's interval of the pairs'
     * differences: what both of a pair owe to their common seed cancels out.
     *
     * @param values {@code [seeds]}
     * @param others of the same seeds, in the same order
     */
    public static Estimate ofDifference(double[] values, double[] others) {
        if (values.length != others.length) {
            throw new IllegalArgumentException(values.length + " values and " + others.length + " others are no pairs");
        }
        var differences = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            differences[i] = values[i] - others[i];
        }
        return ofMean(differences);
    }

    /**
     * The weighted sum of estimates that are independent of each other. Its interval is made of theirs (the method of
     * variance estimates recovery; Zou and Donner, Statistics in Medicine 27, 2008), which for a difference of two
     * proportions with Wilson's intervals is Newcombe's method 10 (Statistics in Medicine 17, 1998).
     *
     * @param weights one for each estimate, of either sign
     */
    public static Estimate ofSum(List<Estimate> estimates, double... weights) {
        double value = 0;
        double below = 0;
        double above = 0;
        for (int i = 0; i < weights.length; i++) {
            var part = estimates.get(i);
            value += weights[i] * part.value;
            var toLow = weights[i] * (part.value - part.interval.low());
            var toHigh = weights[i] * (part.interval.high() - part.value);
            below += weights[i] < 0 ? toHigh * toHigh : toLow * toLow;
            above += weights[i] < 0 ? toLow * toLow : toHigh * toHigh;
        }
        return new Estimate(value, new Interval(value - Math.sqrt(below), value + Math.sqrt(above)));
    }

    /**
     * The same with its interval cut at what the value can be: Student's takes a number for unlimited, so with few seeds it
     * reaches beyond. One that is not known stays so.
     */
    public Estimate within(Interval range) {
        return isBounded()
                ? new Estimate(
                        value,
                        new Interval(Math.max(range.low(), interval.low()), Math.min(range.high(), interval.high())))
                : this;
    }

    /** Where the interval begins, or the value where it is not known. */
    public double low() {
        return isBounded() ? interval.low() : value;
    }

    /** Where the interval ends, or the value where it is not known. */
    public double high() {
        return isBounded() ? interval.high() : value;
    }

    /** Whether the interval is known. */
    public boolean isBounded() {
        return Double.isFinite(interval.low()) && Double.isFinite(interval.high());
    }
}
