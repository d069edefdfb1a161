package dev.espalier.evaluate;

import java.util.Map;

/**
 * How often the right one of several texts was the likeliest.
 *
 * @param right choices that were
 * @param choices all
 */
public record ChoiceScores(long right, long choices) implements Scores {
    /** Share of right choices; NaN without any. */
    public double accuracy() {
        return (double) right / choices;
    }

    @Override
    public Map<Metric, Double> values() {
        return Map.of(Metric.ACCURACY, accuracy());
    }

    @Override
    public Map<Metric, Interval> intervals() {
        return Map.of(Metric.ACCURACY, Interval.wilson(right, choices));
    }
}
