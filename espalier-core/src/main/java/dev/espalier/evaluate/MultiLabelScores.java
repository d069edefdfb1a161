package dev.espalier.evaluate;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How well sets of labels were predicted. Without examples every metric is NaN.
 *
 * @param microF1 F1 over all decisions; 0 where no label is true or predicted
 * @param macroF1 mean of F1 over the labels that occur as truth or as prediction; 0 where there are none
 * @param subsetAccuracy share of examples whose set of labels is exactly right
 */
public record MultiLabelScores(double microF1, double macroF1, double subsetAccuracy) implements Scores {
    /** A label is predicted from this probability up. */
    public static final double THRESHOLD = 0.5;

    /**
     * @param truth {@code [examples][labels]}
     * @param probabilities {@code [examples][labels]}
     */
    public static MultiLabelScores of(boolean[][] truth, float[][] probabilities) {
        if (truth.length != probabilities.length) {
            throw new IllegalArgumentException(
                    truth.length + " true sets of labels, but " + probabilities.length + " predictions.");
        }
        if (truth.length == 0) {
            return new MultiLabelScores(Double.NaN, Double.NaN, Double.NaN);
        }
        var labels = truth[0].length;
        var right = new long[labels];
        var marked = new long[labels]; // once as truth, once as prediction
        var exact = 0;
        for (int example = 0; example < truth.length; example++) {
            var same = true;
            for (int label = 0; label < labels; label++) {
                var is = truth[example][label];
                var said = probabilities[example][label] >= THRESHOLD;
                right[label] += is && said ? 1 : 0;
                marked[label] += (is ? 1 : 0) + (said ? 1 : 0);
                same &= is == said;
            }
            exact += same ? 1 : 0;
        }
        var allMarked =
                IntStream.range(0, labels).mapToLong(label -> marked[label]).sum();
        var allRight =
                IntStream.range(0, labels).mapToLong(label -> right[label]).sum();
        return new MultiLabelScores(
                allMarked == 0 ? 0 : 2.0 * allRight / allMarked,
                IntStream.range(0, labels)
                        .filter(label -> marked[label] > 0)
                        .mapToDouble(label -> 2.0 * right[label] / marked[label])
                        .average()
                        .orElse(0),
                (double) exact / truth.length);
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.MICRO_F1, microF1);
        values.put(Metric.MACRO_F1, macroF1);
        values.put(Metric.SUBSET_ACCURACY, subsetAccuracy);
        return values;
    }
}
