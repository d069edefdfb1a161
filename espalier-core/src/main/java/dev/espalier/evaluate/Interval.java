package dev.espalier.evaluate;

import java.util.stream.IntStream;
import org.apache.commons.math3.distribution.TDistribution;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.interval.WilsonScoreInterval;

/** A 95 % confidence interval. */
public record Interval(double low, double high) {
    private static final double CONFIDENCE = 0.95;
    private static final Interval UNKNOWN = new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);

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
            return UNKNOWN;
        }
        return student(StatUtils.mean(values), Math.sqrt(StatUtils.variance(values) / values.length), values.length);
    }

    /**
     * Student's interval of a ratio of two sums over the same examples, such as of loss and tokens over texts of unlike
     * lengths. Its variance is that of the residuals {@code x - ratio · y} (Cochran, Sampling Techniques, chapter 6).
     *
     * @param numerators {@code [examples]}
     * @param denominators {@code [examples]}, none below 0
     * @return around the ratio of the sums; from −∞ to ∞ where there are fewer than two examples
     */
    public static Interval ofRatio(double[] numerators, double[] denominators) {
        int count = numerators.length;
        if (count < 2) {
            return UNKNOWN;
        }
        var sum = StatUtils.sum(denominators);
        var ratio = StatUtils.sum(numerators) / sum;
        var squares = IntStream.range(0, count)
                .mapToDouble(i -> numerators[i] - ratio * denominators[i])
                .map(residual -> residual * residual)
                .sum();
        return student(ratio, Math.sqrt(squares * count / (count - 1)) / sum, count);
    }

    /** What two numbers that lie in this can differ by. */
    public Interval ofDifferences() {
        return new Interval(low - high, high - low);
    }

    private static Interval student(double middle, double error, int count) {
        var quantile = new TDistribution(count - 1).inverseCumulativeProbability((1 + CONFIDENCE) / 2);
        return new Interval(middle - quantile * error, middle + quantile * error);
    }
}
