package dev.espalier.report;

import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import dev.espalier.evaluate.Metric;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Methods compared over the same tasks and seeds. A run's score is the mean over tasks of what each task is judged by,
 * on its test split. With several seeds, intervals are Student's over seeds, cut at what the metric can be; with one,
 * they are those of the test split, and a difference is taken as if each method had been tested on rows of its own, which
 * makes it wider than it need be.
 *
 * @param metrics what each task is judged by; all of them better in the same direction
 * @param baseline the contender that others are compared with
 * @param memoryLimitMb above which a run is marked
 */
public record Comparison(
        Map<String, Metric> metrics, List<Contender> contenders, Contender baseline, OptionalDouble memoryLimitMb) {
    public Comparison {
        metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
        contenders = List.copyOf(contenders);
    }

    /** Whether a higher score is better. */
    public boolean higherIsBetter() {
        return metrics.values().stream().allMatch(Metric::higherIsBetter);
    }

    /** What a score is: the tasks' metric, or {@code mean} where they have several. */
    public String metric() {
        var keys = metrics.values().stream().map(Metric::key).distinct().toList();
        return keys.size() == 1 ? keys.get(0) : "mean";
    }

    /** The seeds, in order. */
    public List<Long> seeds() {
        return baseline.runs().stream().map(Contender.Run::seed).toList();
    }

    /** A run's test result on one task; NaN if it is not defined there. */
    public double score(Contender.Run run, String task) {
        return estimate(run, task).value();
    }

    /** A run's score: the mean over tasks. */
    public double score(Contender.Run run) {
        return metrics.keySet().stream()
                .mapToDouble(task -> score(run, task))
                .average()
                .orElse(Double.NaN);
    }

    /** A contender's result on one task. */
    public Estimate score(Contender contender, String task) {
        return contender.runs().size() == 1
                ? estimate(contender.runs().get(0), task)
                : Estimate.ofMean(contender.runs().stream()
                                .mapToDouble(run -> score(run, task))
                                .toArray())
                        .within(metric(task).range());
    }

    /** A contender's result over all tasks. */
    public Estimate score(Contender contender) {
        if (contender.runs().size() > 1) {
            return Estimate.ofMean(scores(contender)).within(range());
        }
        var tasks =
                metrics.keySet().stream().map(task -> score(contender, task)).toList();
        var weights = new double[tasks.size()];
        Arrays.fill(weights, 1.0 / tasks.size());
        return Estimate.ofSum(tasks, weights);
    }

    /** How much higher a contender's scores are than the baseline's; empty for the baseline itself. */
    public Optional<Estimate> difference(Contender contender) {
        if (contender.equals(baseline)) {
            return Optional.empty();
        }
        return Optional.of(
                contender.runs().size() > 1
                        ? Estimate.ofDifference(scores(contender), scores(baseline))
                                .within(range().ofDifferences())
                        : Estimate.ofSum(List.of(score(contender), score(baseline)), 1, -1));
    }

    /** Whether a run took more memory than is allowed. */
    public boolean isOverMemory(Contender.Run run) {
        return memoryLimitMb.isPresent() && run.summary().peakMemoryMb() > memoryLimitMb.getAsDouble();
    }

    /** What the numbers mean, in a sentence or two. */
    public String note() {
        var number = seeds().size();
        var intervals = number > 1
                ? "Means over " + number
                        + " seeds; intervals of 95 % over seeds by Student's t, of differences paired by seed,"
                        + " cut where the metric ends."
                : "One seed; intervals of 95 % over test rows, of differences as if each method had rows of its own.";
        var direction = higherIsBetter() ? "" : " Lower is better.";
        var over = memoryLimitMb.isPresent()
                ? " Marked by >: a run took more than " + Figures.megabytes(memoryLimitMb.getAsDouble()) + "."
                : "";
        return intervals + direction + over;
    }

    private Interval range() {
        return Metric.rangeOfMean(metrics.values());
    }

    private Metric metric(String task) {
        return Optional.ofNullable(metrics.get(task)).orElseThrow();
    }

    private double[] scores(Contender contender) {
        return contender.runs().stream().mapToDouble(this::score).toArray();
    }

    private Estimate estimate(Contender.Run run, String task) {
        var measured = run.history().test(task).map(RunHistory.Test::metrics).orElse(Map.of());
        return RunTable.estimate(measured, metric(task).key());
    }
}
