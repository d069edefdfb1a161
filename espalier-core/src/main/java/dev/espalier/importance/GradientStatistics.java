package dev.espalier.importance;

import dev.espalier.tensor.GradientSink;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Reduces the gradient of each weight matrix to a few numbers as soon as backward delivers it, so that no two gradients
 * exist at a time. The numbers add up over samples; between two samples stands {@link #endSample}. Not safe for several
 * threads.
 */
public final class GradientStatistics implements GradientSink {
    private final Set<ElementScore> scores;
    private final Map<Parameter, Map<ElementScore, Double>> sums = new IdentityHashMap<>();
    private final Set<Parameter> seen = new HashSet<>();
    private int samples;

    /**
     * @param parameters whose gradients count; those of others are passed over
     * @param scores what is summed over their elements
     */
    public GradientStatistics(Collection<Parameter> parameters, Set<ElementScore> scores) {
        this.scores = Set.copyOf(scores);
        parameters.forEach(parameter -> sums.put(parameter, new EnumMap<>(ElementScore.class)));
    }

    /**
     * Takes the whole gradient that one sample gives.
     *
     * @throws IllegalStateException if the parameter's came before in this sample: a statistic of the sum cannot be had
     *     from its terms
     */
    @Override
    public void add(Parameter parameter, Tensor gradient) {
        var ofParameter = sums.get(parameter);
        if (ofParameter == null) {
            return;
        }
        if (!seen.add(parameter)) {
            throw new IllegalStateException(parameter + " is used twice in a pass.");
        }
        for (var score : scores) {
            ofParameter.merge(score, sum(score, parameter.value(), gradient), Double::sum);
        }
    }

    /** Ends a sample: after it, every parameter's gradient may come again. */
    public void endSample() {
        seen.clear();
        samples++;
    }

    /** How many samples have ended. */
    public int samples() {
        return samples;
    }

    /**
     * The score summed over the elements of {@code parameter} and over the samples; 0 where no gradient came.
     *
     * @throws IllegalArgumentException for a parameter or score that is not tracked
     */
    public double sum(Parameter parameter, ElementScore score) {
        var ofParameter = sums.get(parameter);
        if (ofParameter == null || !scores.contains(score)) {
            throw new IllegalArgumentException(score + " of " + parameter + " is not tracked.");
        }
        return ofParameter.getOrDefault(score, 0.0);
    }

    /** The score's mean over the elements of {@code parameter} and over the samples; of squares, the Fisher information. */
    public double mean(Parameter parameter, ElementScore score) {
        return sum(parameter, score) / ((double) parameter.size() * Math.max(1, samples));
    }

    private static double sum(ElementScore score, Tensor weight, Tensor gradient) {
        try (var scope = Scope.open()) {
            if (score == ElementScore.SQUARED_GRADIENT) {
                // Row by row: the squares never exist as a matrix, and each fp32 sum is a short one.
                var norms = Norms.ofRows(gradient).to(ScalarType.Double);
                return norms.dot(norms).item_double();
            }
            return score.of(weight, gradient).sum().item_double();
        }
    }
}
