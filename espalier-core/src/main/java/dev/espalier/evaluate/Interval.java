package dev.espalier.evaluate;

import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.interval.WilsonScoreInterval;

/** A 95 % confidence interval. */
public record Interval(double low, double high) {
    private static final double CONFIDENCE = 0.95;

    /**
     * Wilson's score interval of a proportion.
     *
     * @return within [0, 1]; all of it without trials
     */
    public static Interval wilson(long successes, long trials) {
        if (trials == 0) {
            return new Interval(0, 1);
        }
        var interval = new WilsonScoreInterval()
                .createInterval(Math.toIntExact(trials), Math.toIntExact(successes), CONFIDENCE);
        return new Interval(Math.max(0, interval.getLowerBound()), Math.min(1, interval.getUpperBound()));
    }

    /**
     * Student's interval of a mean, as over seeds.
     *
     * @return around the mean of {@code values}; from −∞ to ∞ where there are fewer than two
     */
    public static Interval ofMean(double... values) {
        if (values.length < 2) {
            return new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
        var mean = StatUtils.mean(values);
        var error = Math.sqrt(StatUtils.variance(values) / values.length);
        var quantile = new TDistribution(values.length - 1).inverseCumulativeProbability((1 + CONFIDENCE) / 2);
        return new Interval(mean - quantile * error, mean + quantile * error);
    }
}
