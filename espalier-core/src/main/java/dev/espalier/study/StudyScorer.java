package dev.espalier.study;

import dev.espalier.adapter.DeltaSource;
import dev.espalier.data.Split;
import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import dev.espalier.merge.MergedWeights;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.train.AdaptedModel;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Scores one subject after another on the tasks that its book has no score for. The base model stays open; what is merged
 * takes the place of its weights for a while.
 *
 * @param model with a head for every task and no adapter
 * @param generateTokens tokens of a text at most, where one is written
 * @param stop whether to stop before the next task
 */
record StudyScorer(AdaptedModel model, StudyTasks tasks, ScoreBook book, int generateTokens, BooleanSupplier stop) {

    /** Thrown where the user stopped; what was scored before is in the book. */
    static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stopped() {
            super("stopped", null, false, false);
        }
    }

    /**
     * Scores the tasks of {@code names} that are not in the book yet.
     *
     * @param changes of the subject's weights, made if there is anything to score; they are closed; empty for the bare
     *     model
     */
    @SuppressWarnings("try") // guard and scope work by being open
    void score(Subject subject, List<String> names, Split split, Optional<Supplier<DeltaSource>> changes) {
        var missing = names.stream()
                .filter(task -> book.find(subject, task, split).isEmpty())
                .toList();
        if (missing.isEmpty()) {
            return;
        }
        if (changes.isEmpty()) {
            missing.forEach(task -> score(subject, task, split));
            return;
        }
        stopIfAsked();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open();
                var source = changes.get().get();
                var merged = new MergedWeights(source, model.model())) {
            merged.attach(model.model());
            try {
                missing.forEach(task -> score(subject, task, split));
            } finally {
                merged.detach(model.model());
            }
        }
    }

    private void stopIfAsked() {
        if (stop.getAsBoolean()) {
            throw new Stopped();
        }
    }

    private void score(Subject subject, String task, Split split) {
        stopIfAsked();
        long start = System.nanoTime();
        var rows = tasks.rows(task, split);
        var metric = tasks.metric(task);
        var evaluation = model.evaluate(task, rows, metric.needsGeneration() ? generateTokens : 0);
        var interval = Optional.ofNullable(evaluation.intervals().get(metric.key()))
                .orElse(new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
        var score = new Estimate(evaluation.value(metric), interval);
        book.add(subject, task, split, metric.key(), rows.size(), score, (System.nanoTime() - start) / 1e9);
    }

    /** A score that is in the book. */
    Estimate of(Subject subject, String task, Split split) {
        return book.find(subject, task, split).orElseThrow();
    }

    /** The mean of scores that are in the book. */
    double mean(Subject subject, List<String> names, Split split) {
        return names.stream()
                .mapToDouble(task -> of(subject, task, split).value())
                .average()
                .orElse(Double.NaN);
    }
}
