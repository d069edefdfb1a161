package dev.espalier.routing;

/**
 * The z-loss of ST-MoE (Zoph et al., <a href="https://arxiv.org/abs/2202.08906">arXiv 2202.08906</a>), which keeps
 * scores small: the mean over rows of {@code (ln Σ_e e^z)²}, per sequence, then the mean over sequences and modules.
 *
 * @param coefficient the loss's weight
 */
public record ScoreLoss(double coefficient) implements RouterLoss {
    @Override
    public double add(Gates gates, double share, Slopes slopes) {
        int experts = gates.experts();
        double value = 0;
        for (int sequence = 0; sequence < gates.rows().sequences(); sequence++) {
            double scale = coefficient * share / gates.rows().length(sequence);
            int first = gates.rows().first(sequence);
            for (int row = first; row < first + gates.rows().length(sequence); row++) {
                double log = logSumExp(gates.scores(), row * experts, experts);
                value += scale * log * log;
                for (int i = row * experts; i < (row + 1) * experts; i++) {
                    slopes.scores()[i] += (float) (scale * 2 * log * Math.exp(gates.scores()[i] - log));
                }
            }
        }
        return value;
    }

    private static double logSumExp(float[] scores, int from, int experts) {
        double most = scores[from];
        for (int i = from; i < from + experts; i++) {
            most = Math.max(most, scores[i]);
        }
        double sum = 0;
        for (int i = from; i < from + experts; i++) {
            sum += Math.exp(scores[i] - most);
        }
        return most + Math.log(sum);
    }
}
