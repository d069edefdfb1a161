package dev.espalier.evaluate;

import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A number by which checkpoints are compared. */
public enum Metric {
    ACCURACY(true, TaskKind.SINGLE_LABEL, TaskKind.CHOICE, TaskKind.TOKEN_LABELS, TaskKind.CAUSAL_LM),
    MACRO_F1(true, TaskKind.SINGLE_LABEL, TaskKind.MULTI_LABEL),
    MATTHEWS(true, TaskKind.SINGLE_LABEL),
    MICRO_F1(true, TaskKind.MULTI_LABEL),
    SUBSET_ACCURACY(true, TaskKind.MULTI_LABEL),
    MSE(false, TaskKind.REGRESSION),
    PEARSON(true, TaskKind.REGRESSION),
    SPEARMAN(true, TaskKind.REGRESSION),
    SPAN_F1(true, TaskKind.TOKEN_LABELS),
    EXACT_MATCH(true, TaskKind.CAUSAL_LM),
    ROUGE_L(true, TaskKind.CAUSAL_LM),
    TOKEN_ACCURACY(true, TaskKind.CAUSAL_LM),
    PERPLEXITY(false, TaskKind.CAUSAL_LM),
    LOSS(false, TaskKind.values());

    /** Orders scores of which the higher is better, as {@link #better} does: NaN below every number. */
    public static final Comparator<Double> HIGHER_IS_BETTER =
            (a, b) -> ACCURACY.better(a, b) ? 1 : ACCURACY.better(b, a) ? -1 : 0;

    private final boolean higherIsBetter;
    private final Set<TaskKind> kinds;

    Metric(boolean higherIsBetter, TaskKind... kinds) {
        this.higherIsBetter = higherIsBetter;
        this.kinds = EnumSet.copyOf(List.of(kinds));
    }

    /** What a task is judged by unless the recipe says otherwise. */
    public static Metric defaultFor(TaskKind kind) {
        return switch (kind) {
            case SINGLE_LABEL, CHOICE -> ACCURACY;
            case MULTI_LABEL -> MICRO_F1;
            case REGRESSION -> MSE;
            case TOKEN_LABELS -> SPAN_F1;
            case CAUSAL_LM -> PERPLEXITY;
        };
    }

    /**
     * The metric with this name, hyphens and underscores alike.
     *
     * @throws InputException for a name that is unknown or no metric of {@code kind}
     */
    public static Metric named(String name, TaskKind kind) {
        var fitting = Arrays.stream(values())
                .filter(metric -> metric.kinds.contains(kind))
                .toList();
        var key = name.replace('-', '_');
        return fitting.stream()
                .filter(metric -> metric.key().equals(key))
                .findFirst()
                .orElseThrow(() -> {
                    var known = fitting.stream().map(Metric::key).toList();
                    return new InputException("'" + name + "' is no metric of a "
                            + kind.name().toLowerCase(Locale.ROOT).replace('_', '-') + " task. Did you mean '"
                            + Nearest.to(key, known, 1).get(0) + "'? There are " + String.join(", ", known) + ".");
                });
    }

    /** The name in metrics.jsonl, such as {@code macro_f1}. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** What people read for a key of metrics.jsonl, such as {@code macro F1} for {@code macro_f1}. */
    public static String label(String key) {
        return key.replace('_', ' ')
                .replace("rouge l", "ROUGE-L")
                .replace("f1", "F1")
                .replace("mse", "MSE");
    }

    /** The direction of better. */
    public boolean higherIsBetter() {
        return higherIsBetter;
    }

    /** What it can be at all. */
    public Interval range() {
        return switch (this) {
            case ACCURACY, MACRO_F1, MICRO_F1, SUBSET_ACCURACY, SPAN_F1, EXACT_MATCH, ROUGE_L, TOKEN_ACCURACY ->
                new Interval(0, 1);
            case MATTHEWS, PEARSON, SPEARMAN -> new Interval(-1, 1);
            case MSE, LOSS -> new Interval(0, Double.POSITIVE_INFINITY);
            case PERPLEXITY -> new Interval(1, Double.POSITIVE_INFINITY);
        };
    }

    /** What the mean of several can be, one of each in {@code metrics}. */
    public static Interval rangeOfMean(Collection<Metric> metrics) {
        return new Interval(
                metrics.stream()
                        .mapToDouble(metric -> metric.range().low())
                        .average()
                        .orElse(Double.NEGATIVE_INFINITY),
                metrics.stream()
                        .mapToDouble(metric -> metric.range().high())
                        .average()
                        .orElse(Double.POSITIVE_INFINITY));
    }

    /** Whether a text has to be written to know it. */
    public boolean needsGeneration() {
        return this == EXACT_MATCH || this == ROUGE_L;
    }

    /** Whether {@code candidate} beats {@code best}; a number beats NaN, NaN beats nothing. */
    public boolean better(double candidate, double best) {
        if (Double.isNaN(candidate) || Double.isNaN(best)) {
            return !Double.isNaN(candidate);
        }
        return higherIsBetter ? candidate > best : candidate < best;
    }
}
