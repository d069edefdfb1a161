package dev.espalier.routing;

/**
 * Minus the variance of a row's gates over the experts, so that rows tell experts apart (Guo et al., "Advancing expert
 * specialization", <a href="https://arxiv.org/abs/2505.22323">arXiv 2505.22323</a>, of which a summary was read): the
 * mean over rows, per sequence, then over sequences and modules.
 *
 * @param coefficient the loss's weight
 */
public record ScoreVarianceLoss(double coefficient) implements RouterLoss {
    @Override
    public double add(Gates gates, double share, Slopes slopes) {
        int experts = gates.experts();
        double value = 0;
        for (int sequence = 0; sequence < gates.rows().sequences(); sequence++) {
            double scale = coefficient * share / gates.rows().length(sequence) / experts;
            int first = gates.rows().first(sequence);
            for (int row = first; row < first + gates.rows().length(sequence); row++) {
                double mean = 0;
                for (int i = row * experts; i < (row + 1) * experts; i++) {
                    mean += gates.values()[i] / experts;
                }
                for (int i = row * experts; i < (row + 1) * experts; i++) {
                    double deviation = gates.values()[i] - mean;
                    value -= scale * deviation * deviation;
                    slopes.gates()[i] -= (float) (2 * scale * deviation);
                }
            }
        }
        return value;
    }
}
