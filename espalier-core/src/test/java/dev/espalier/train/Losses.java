package dev.espalier.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** Collects the loss of every step; may do something after one. */
final class Losses implements ProgressListener {
    private final IntConsumer afterStep;
    private final List<Double> losses = new ArrayList<>();

    Losses() {
        this(step -> {});
    }

    Losses(IntConsumer afterStep) {
        this.afterStep = afterStep;
    }

    @Override
    public void step(Step step) {
        losses.add(step.loss());
        afterStep.accept(step.step());
    }

    List<Double> all() {
        return losses;
    }

    /** The mean of the first {@code count}. */
    double first(int count) {
        return mean(losses.subList(0, count));
    }

    /** The mean of the last {@code count}. */
    double last(int count) {
        return mean(losses.subList(losses.size() - count, losses.size()));
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }
}
