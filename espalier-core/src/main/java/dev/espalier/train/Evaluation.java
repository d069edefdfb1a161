package dev.espalier.train;

import dev.espalier.data.Batch;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.LabelSpace;
import dev.espalier.evaluate.ChoiceScores;
import dev.espalier.evaluate.ConfusionMatrix;
import dev.espalier.evaluate.Interval;
import dev.espalier.evaluate.Metric;
import dev.espalier.evaluate.MultiLabelScores;
import dev.espalier.evaluate.RegressionScores;
import dev.espalier.evaluate.Scores;
import dev.espalier.evaluate.SpanScores;
import dev.espalier.evaluate.TokenScores;
import dev.espalier.model.Judged;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * How well a task's examples were answered.
 *
 * @param task the task's name
 * @param examples how many there were
 * @param loss the mean over all answers asked, without auxiliary losses
 * @param scores every metric of the task's kind
 */
public record Evaluation(String task, int examples, double loss, Scores scores) {

    /**
     * Compares outputs with the examples' targets. Of words, those count that have a token; what was cut off does not.
     *
     * @param outputs in the order of {@code examples}
     */
    static Evaluation of(AdaptedTask task, List<EncodedExample> examples, Judged outputs) {
        var answers = outputs.answers();
        Scores scores =
                switch (task.kind()) {
                    case SINGLE_LABEL ->
                        ConfusionMatrix.of(
                                task.labels().names(),
                                examples.stream().mapToInt(e -> e.labels()[0]).toArray(),
                                answers.stream()
                                        .mapToInt(a -> argMax(a, 0, a.length))
                                        .toArray());
                    case CHOICE -> choices(examples, answers);
                    case MULTI_LABEL ->
                        MultiLabelScores.of(
                                examples.stream().map(e -> applies(e.values())).toArray(boolean[][]::new),
                                answers.toArray(float[][]::new));
                    case REGRESSION ->
                        RegressionScores.of(
                                examples.stream()
                                        .mapToDouble(e -> e.values()[0])
                                        .toArray(),
                                answers.stream().mapToDouble(a -> a[0]).toArray());
                    case TOKEN_LABELS -> spans(task.labels(), examples, answers);
                    case CAUSAL_LM -> tokens(answers);
                };
        return new Evaluation(task.name(), examples.size(), outputs.loss(), scores);
    }

    /** The same with more metrics. */
    Evaluation with(Scores more) {
        return new Evaluation(task, examples, loss, scores.and(more));
    }

    private static ChoiceScores choices(List<EncodedExample> examples, List<float[]> answers) {
        var right = IntStream.range(0, examples.size())
                .filter(i -> argMax(answers.get(i), 0, answers.get(i).length)
                        == examples.get(i).labels()[0])
                .count();
        return new ChoiceScores(right, examples.size());
    }

    private static TokenScores tokens(List<float[]> answers) {
        return new TokenScores(answers.stream().map(Evaluation::text).toList());
    }

    private static TokenScores.Text text(float[] answer) {
        double loss = 0;
        long right = 0;
        for (int i = 0; i < answer.length; i += 2) {
            loss -= answer[i];
            right += (long) answer[i + 1];
        }
        return new TokenScores.Text(loss, right, answer.length / 2);
    }

    private static SpanScores spans(LabelSpace labels, List<EncodedExample> examples, List<float[]> answers) {
        List<List<String>> truth = new ArrayList<>();
        List<List<String>> predicted = new ArrayList<>();
        for (int i = 0; i < examples.size(); i++) {
            var answer = answers.get(i);
            truth.add(Arrays.stream(examples.get(i).labels())
                    .filter(label -> label != Batch.IGNORED)
                    .mapToObj(labels::name)
                    .toList());
            predicted.add(IntStream.range(0, answer.length / labels.size())
                    .mapToObj(word -> labels.name(argMax(answer, word * labels.size(), labels.size())))
                    .toList());
        }
        return SpanScores.of(truth, predicted);
    }

    private static boolean[] applies(float[] values) {
        var applies = new boolean[values.length];
        for (int i = 0; i < values.length; i++) {
            applies[i] = values[i] > 0;
        }
        return applies;
    }

    /** The place of the largest of {@code count} values from {@code start} on; the first of equals. */
    static int argMax(float[] values, int start, int count) {
        int best = 0;
        for (int i = 1; i < count; i++) {
            if (values[start + i] > values[start + best]) {
                best = i;
            }
        }
        return best;
    }

    /** A metric's value; NaN where it is not one of the task's. */
    public double value(Metric metric) {
        return metric == Metric.LOSS ? loss : scores.values().getOrDefault(metric, Double.NaN);
    }

    /** Truth against prediction, for one label of several. */
    public Optional<ConfusionMatrix> confusion() {
        return scores instanceof ConfusionMatrix matrix ? Optional.of(matrix) : Optional.empty();
    }

    /** The 95 % intervals that are known, by the keys of their metrics. */
    public Map<String, Interval> intervals() {
        Map<String, Interval> intervals = new LinkedHashMap<>();
        scores.intervals().forEach((metric, interval) -> {
            if (Double.isFinite(interval.low()) && Double.isFinite(interval.high())) {
                intervals.put(metric.key(), interval);
            }
        });
        return intervals;
    }

    /** The loss and every metric that is defined, by the keys of {@code metrics.jsonl}. */
    public Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put(Metric.LOSS.key(), loss);
        scores.values().forEach((metric, value) -> {
            if (Double.isFinite(value)) {
                metrics.put(metric.key(), value);
            }
        });
        return metrics;
    }
}
