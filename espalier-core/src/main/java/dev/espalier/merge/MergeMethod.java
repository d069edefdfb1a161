package dev.espalier.merge;

import dev.espalier.error.InputException;
import java.util.function.Consumer;

/**
 * How adapters are merged, as a choice on each axis: the form in which their changes are compared, what of them takes part,
 * what they must agree on, how what is left becomes one. {@link MergeMethods} has those of the literature by name.
 *
 * @param name in recipes and reports
 * @param lambda factor on the result
 * @param position of {@link Combination#SLERP} between two adapters of equal weights, from 0 to 1
 * @param scalingTwice whether an adapter's weight is multiplied with its scaling, which its change holds already: PEFT's
 *     {@code svd} types do so
 */
public record MergeMethod(
        String name,
        Representation representation,
        Sparsifier sparsifier,
        Consensus consensus,
        Combination combination,
        Weighting weighting,
        double lambda,
        double position,
        boolean scalingTwice) {
    public MergeMethod {
        if (!Double.isFinite(lambda)) {
            throw new InputException("lambda must be a number, not " + lambda + ".");
        }
        if (!(position >= 0 && position <= 1)) {
            throw new InputException(
                    "t, where slerp stops between two adapters, must be between 0 and 1, not " + position + ".");
        }
        if (representation != Representation.DELTA
                && sparsifier instanceof Sparsifier.Magnitude magnitude
                && !magnitude.keepsAll()
                && magnitude.granularity() == Granularity.GLOBAL) {
            throw new InputException(
                    "Method '" + name
                            + "' trims what it makes of single weights, so granularity global has no meaning for it; choose tensor or row.");
        }
    }

    /** The sum of the changes as they are. */
    static MergeMethod sum(String name) {
        return new MergeMethod(
                name,
                Representation.DELTA,
                Sparsifier.NONE,
                Consensus.NONE,
                Combination.SUM,
                Weighting.FIRST,
                1,
                0.5,
                false);
    }

    /** Whether the result is a sum of the changes with factors, so that low-rank changes stay so. */
    public boolean isLinear() {
        return representation == Representation.DELTA
                && sparsifier.keepsAll()
                && consensus == Consensus.NONE
                && (combination == Combination.SUM || combination == Combination.MEAN);
    }

    /** Whether the order of the adapters decides no more than rounding. */
    public boolean isOrderInvariant() {
        return combination != Combination.SLERP;
    }

    MergeMethod withName(String name) {
        return with(copy -> copy.name = name);
    }

    public MergeMethod withRepresentation(Representation representation) {
        return with(copy -> copy.representation = representation);
    }

    public MergeMethod withSparsifier(Sparsifier sparsifier) {
        return with(copy -> copy.sparsifier = sparsifier);
    }

    public MergeMethod withConsensus(Consensus consensus) {
        return with(copy -> copy.consensus = consensus);
    }

    public MergeMethod withCombination(Combination combination) {
        return with(copy -> copy.combination = combination);
    }

    public MergeMethod withWeighting(Weighting weighting) {
        return with(copy -> copy.weighting = weighting);
    }

    public MergeMethod withLambda(double lambda) {
        return with(copy -> copy.lambda = lambda);
    }

    public MergeMethod withPosition(double position) {
        return with(copy -> copy.position = position);
    }

    public MergeMethod withScalingTwice(boolean scalingTwice) {
        return with(copy -> copy.scalingTwice = scalingTwice);
    }

    /**
     * The same with another share of numbers that take part.
     *
     * @throws InputException if the method leaves nothing out
     */
    public MergeMethod withDensity(double density) {
        if (sparsifier.equals(Sparsifier.NONE)) {
            throw new InputException("Method '" + name + "' leaves nothing out, so it has no density; remove it.");
        }
        return withSparsifier(sparsifier.withDensity(density));
    }

    private MergeMethod with(Consumer<Copy> change) {
        var copy = new Copy();
        change.accept(copy);
        return copy.method();
    }

    /** The components while some of them change. */
    private final class Copy {
        private String name = name();
        private Representation representation = representation();
        private Sparsifier sparsifier = sparsifier();
        private Consensus consensus = consensus();
        private Combination combination = combination();
        private Weighting weighting = weighting();
        private double lambda = lambda();
        private double position = position();
        private boolean scalingTwice = scalingTwice();

        MergeMethod method() {
            return new MergeMethod(
                    name,
                    representation,
                    sparsifier,
                    consensus,
                    combination,
                    weighting,
                    lambda,
                    position,
                    scalingTwice);
        }
    }
}
