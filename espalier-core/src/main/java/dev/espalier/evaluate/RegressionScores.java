package dev.espalier.evaluate;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.math3.stat.StatUtils;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;

/**
 * How well numbers were predicted.
 *
 * @param mse mean squared error; NaN without examples
 * @param pearson linear correlation; NaN with fewer than two examples or where truth or prediction is constant
 * @param spearman Pearson's correlation of the ranks, ties ranked by their mean; NaN as {@code pearson}
 */
public record RegressionScores(double mse, double pearson, double spearman) implements Scores {
    /**
     * @param truth {@code [examples]}
     * @param predicted {@code [examples]}
     */
    public static RegressionScores of(double[] truth, double[] predicted) {
        if (truth.length != predicted.length) {
            throw new IllegalArgumentException(
                    truth.length + " true numbers, but " + predicted.length + " predictions.");
        }
        var mse = IntStream.range(0, truth.length)
                .mapToDouble(i -> (predicted[i] - truth[i]) * (predicted[i] - truth[i]))
                .average()
                .orElse(Double.NaN);
        var correlated = isFinite(predicted) && !isConstant(truth) && !isConstant(predicted);
        return new RegressionScores(
                mse,
                correlated ? new PearsonsCorrelation().correlation(truth, predicted) : Double.NaN,
                correlated ? new SpearmansCorrelation().correlation(truth, predicted) : Double.NaN);
    }

    private static boolean isConstant(double[] values) {
        return values.length < 2 || StatUtils.min(values) == StatUtils.max(values);
    }

    /** Commons Math would rank NaN, or throw. */
    private static boolean isFinite(double[] values) {
        return Arrays.stream(values).allMatch(Double::isFinite);
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.MSE, mse);
        values.put(Metric.PEARSON, pearson);
        values.put(Metric.SPEARMAN, spearman);
        return values;
    }
}
