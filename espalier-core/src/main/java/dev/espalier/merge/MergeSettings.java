package dev.espalier.merge;

import dev.espalier.error.InputException;
import java.util.Optional;

/**
 * What is to be different from a method's defaults.
 *
 * @param density the share of each adapter that takes part
 * @param granularity among which numbers magnitudes are ranked
 * @param lambda factor on the result
 * @param gamma the share of the largest magnitudes that is left out
 * @param epsilon how far a probability of DELLA is from the density at most
 * @param t where slerp stops between two adapters
 */
public record MergeSettings(
        Optional<Double> density,
        Optional<Granularity> granularity,
        Optional<Double> lambda,
        Optional<Double> gamma,
        Optional<Double> epsilon,
        Optional<Double> t) {
    /** Nothing different. */
    public static final MergeSettings NONE = new MergeSettings(
            Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    /**
     * {@code method} with these settings.
     *
     * @throws InputException if one has no meaning for the method, or is out of its range
     */
    public MergeMethod on(MergeMethod method) {
        var changed = method;
        if (granularity.isPresent() || gamma.isPresent()) {
            changed = changed.withSparsifier(trimmed(changed));
        }
        if (epsilon.isPresent()) {
            if (!(changed.sparsifier() instanceof Sparsifier.RankProbability ranked)) {
                throw meaningless(method, "epsilon", "its numbers are not kept by rank of magnitude");
            }
            changed = changed.withSparsifier(
                    new Sparsifier.RankProbability(ranked.density(), epsilon.get(), ranked.rescale()));
        }
        if (t.isPresent()) {
            if (changed.combination() != Combination.SLERP) {
                throw meaningless(method, "t", "it does not interpolate two adapters");
            }
            changed = changed.withPosition(t.get());
        }
        if (density.isPresent()) {
            changed = changed.withDensity(density.get());
        }
        return lambda.isPresent() ? changed.withLambda(lambda.get()) : changed;
    }

    private Sparsifier trimmed(MergeMethod method) {
        if (method.sparsifier() instanceof Sparsifier.Magnitude former && !former.equals(Sparsifier.NONE)) {
            return new Sparsifier.Magnitude(
                    gamma.orElse(former.drop()), former.keep(), granularity.orElse(former.granularity()));
        }
        throw meaningless(
                method, granularity.isPresent() ? "granularity" : "gamma", "it leaves nothing out by its magnitude");
    }

    private static InputException meaningless(MergeMethod method, String key, String reason) {
        return new InputException(
                key + " has no meaning for method '" + method.name() + "', for " + reason + "; remove it.");
    }
}
