package dev.espalier.routing;

/** An auxiliary loss on what a router decides. It is computed with the gates and accounts for its own gradient. */
public sealed interface RouterLoss
        permits LoadBalanceLoss, LocalisedBalanceLoss, ScoreLoss, ScoreVarianceLoss, EntropyLoss {
    /**
     * Adds the loss's slopes to {@code slopes}.
     *
     * @param gates what was decided in this pass
     * @param share what a mean over sequences is made with: {@code 1 / (modules · sequences of the step)} for each
     *     sequence of the pass
     * @return the pass's share of the step's loss, weighted
     */
    double add(Gates gates, double share, Slopes slopes);

    /** Derivatives of the losses, by row and expert. */
    final class Slopes {
        private final float[] gates;
        private final float[] scores;

        Slopes(int size) {
            gates = new float[size];
            scores = new float[size];
        }

        /** With respect to the gates, after dropout and threshold. */
        float[] gates() {
            return gates;
        }

        /** With respect to the scores, past the gates. */
        float[] scores() {
            return scores;
        }
    }
}
