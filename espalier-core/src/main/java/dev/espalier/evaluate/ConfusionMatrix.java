package dev.espalier.evaluate;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Counts of truth (row) against prediction (column), and the metrics of single-label classification that follow from
 * them. Without examples every metric is NaN.
 */
public final class ConfusionMatrix implements Scores {
    private final List<String> labels;
    private final long[][] counts;
    private final long[] truths;
    private final long[] predictions;
    private final long total;
    private final long correct;

    private ConfusionMatrix(List<String> labels, long[][] counts) {
        this.labels = List.copyOf(labels);
        this.counts = counts;
        this.truths =
                Arrays.stream(counts).mapToLong(row -> Arrays.stream(row).sum()).toArray();
        this.predictions = IntStream.range(0, labels.size())
                .mapToLong(column ->
                        Arrays.stream(counts).mapToLong(row -> row[column]).sum())
                .toArray();
        this.total = Arrays.stream(truths).sum();
        this.correct = IntStream.range(0, labels.size())
                .mapToLong(label -> counts[label][label])
                .sum();
    }

    /**
     * Counts label numbers.
     *
     * @param labels names, by number
     * @param truth {@code [examples]}
     * @param predicted {@code [examples]}
     */
    public static ConfusionMatrix of(List<String> labels, int[] truth, int[] predicted) {
        if (truth.length != predicted.length) {
            throw new IllegalArgumentException(
                    truth.length + " true labels, but " + predicted.length + " predictions.");
        }
        var counts = new long[labels.size()][labels.size()];
        for (int i = 0; i < truth.length; i++) {
            counts[truth[i]][predicted[i]]++;
        }
        return new ConfusionMatrix(labels, counts);
    }

    /** Names of rows and columns. */
    public List<String> labels() {
        return labels;
    }

    /** {@code [truth][prediction]}, a copy. */
    public long[][] counts() {
        return Arrays.stream(counts).map(long[]::clone).toArray(long[][]::new);
    }

    /** How many examples were counted. */
    public long total() {
        return total;
    }

    /** How many of them were predicted right. */
    public long correct() {
        return correct;
    }

    /** Share of right predictions. */
    public double accuracy() {
        return (double) correct / total;
    }

    /** Wilson's 95 % interval of {@link #accuracy}. */
    public Interval accuracyInterval() {
        return Interval.wilson(correct, total);
    }

    /**
     * Mean of F1 over the labels that occur as truth or as prediction, as scikit-learn's {@code f1_score} does without a
     * list of labels; others of the label space do not count.
     */
    public double macroF1() {
        return IntStream.range(0, labels.size())
                .filter(label -> truths[label] + predictions[label] > 0)
                .mapToDouble(label -> 2.0 * counts[label][label] / (truths[label] + predictions[label]))
                .average()
                .orElse(Double.NaN);
    }

    /**
     * Matthews correlation of several classes, Gorodkin's R_K
     * (<a href="https://doi.org/10.1016/j.compbiolchem.2004.09.006">2004</a>): 0 where all truths or all predictions are
     * of one label.
     */
    public double matthews() {
        if (total == 0) {
            return Double.NaN;
        }
        double square = (double) total * total;
        double both = 0;
        double ofTruth = square;
        double ofPrediction = square;
        for (int label = 0; label < labels.size(); label++) {
            both += (double) truths[label] * predictions[label];
            ofTruth -= (double) truths[label] * truths[label];
            ofPrediction -= (double) predictions[label] * predictions[label];
        }
        return ofTruth == 0 || ofPrediction == 0
                ? 0
                : ((double) correct * total - both) / Math.sqrt(ofTruth) / Math.sqrt(ofPrediction);
    }

    @Override
    public Map<Metric, Interval> intervals() {
        return Map.of(Metric.ACCURACY, accuracyInterval());
    }

    @Override
    public Map<Metric, Double> values() {
        Map<Metric, Double> values = new LinkedHashMap<>();
        values.put(Metric.ACCURACY, accuracy());
        values.put(Metric.MACRO_F1, macroF1());
        values.put(Metric.MATTHEWS, matthews());
        return values;
    }
}
