package dev.espalier.merge;

import dev.espalier.error.InputException;

/** Which numbers of an adapter's change take part in a merge. */
public sealed interface Sparsifier {
    /** All of them. */
    Sparsifier NONE = new Magnitude(0, 1, Granularity.TENSOR);

    /** Whether all numbers stay as they are. */
    default boolean keepsAll() {
        return false;
    }

    /** How much of a change stays: from 0, excluded, to 1. */
    double density();

    /** The same with another density. */
    Sparsifier withDensity(double density);

    /**
     * Those whose magnitude ranks next after the largest: {@code ⌊drop · n⌋} are left out at the top, {@code ⌊keep · n⌋}
     * kept, all others left out. Equal magnitudes are taken in the order in which they stand, so that never more are kept.
     * With {@code drop} 0 it is the trimming of TIES, else Model Breadcrumbs (Davari and Belilovsky, arXiv 2312.06795).
     */
    record Magnitude(double drop, double keep, Granularity granularity) implements Sparsifier {
        public Magnitude {
            requireDensity(keep);
            if (!(drop >= 0 && drop < 1)) {
                throw new InputException(
                        "gamma, the share of the largest that is left out, must be at least 0 and below 1, not " + drop
                                + ".");
            }
        }

        @Override
        public boolean keepsAll() {
            return drop == 0 && keep == 1;
        }

        @Override
        public double density() {
            return keep;
        }

        @Override
        public Magnitude withDensity(double density) {
            return new Magnitude(drop, density, granularity);
        }
    }

    /**
     * Each with probability {@code density}, whatever its value: DARE (Yu et al., arXiv 2311.03099).
     *
     * @param rescale whether those that stay are divided by {@code density}
     */
    record Random(double density, boolean rescale) implements Sparsifier {
        public Random {
            requireDensity(density);
        }

        @Override
        public boolean keepsAll() {
            return density == 1;
        }

        @Override
        public Random withDensity(double density) {
            return new Random(density, rescale);
        }
    }

    /**
     * Each with a probability that grows with the rank of its magnitude in its row, from {@code density - epsilon} to
     * {@code density + epsilon}: DELLA (Deep et al., arXiv 2406.11617).
     *
     * @param rescale whether those that stay are divided by their probability
     */
    record RankProbability(double density, double epsilon, boolean rescale) implements Sparsifier {
        public RankProbability {
            requireDensity(density);
            if (!(epsilon >= 0)) {
                throw new InputException("epsilon must be at least 0, not " + epsilon + ".");
            }
            // At density 1 everything stays, whatever its rank.
            epsilon = Math.min(epsilon, 1 - density);
            if (epsilon >= density) {
                throw new InputException("epsilon " + epsilon + " leaves no probability above 0 at density " + density
                        + "; choose a smaller one.");
            }
        }

        @Override
        public boolean keepsAll() {
            return density == 1;
        }

        @Override
        public RankProbability withDensity(double density) {
            return new RankProbability(density, epsilon, rescale);
        }
    }

    private static void requireDensity(double density) {
        if (!(density > 0 && density <= 1)) {
            throw new InputException(
                    "density, the share of an adapter that takes part, must be above 0 and at most 1, not " + density
                            + ".");
        }
    }
}
