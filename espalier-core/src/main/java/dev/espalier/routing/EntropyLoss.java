package dev.espalier.routing;

/**
 * The mean entropy of the gates, {@code -Σ_e g ln g} in nats, per sequence, then over sequences and modules: a positive
 * coefficient makes a router surer, a negative one less sure.
 *
 * @param coefficient the loss's weight, of either sign
 */
public record EntropyLoss(double coefficient) implements RouterLoss {
    @Override
    public double add(Gates gates, double share, Slopes slopes) {
        int experts = gates.experts();
        double value = 0;
        for (int sequence = 0; sequence < gates.rows().sequences(); sequence++) {
            double scale = coefficient * share / gates.rows().length(sequence);
            int first = gates.rows().first(sequence) * experts;
            for (int i = first; i < first + gates.rows().length(sequence) * experts; i++) {
                double gate = gates.values()[i];
                if (gate > 0) {
                    value -= scale * gate * Math.log(gate);
                    slopes.gates()[i] -= (float) (scale * (Math.log(gate) + 1));
                }
            }
        }
        return value;
    }
}
