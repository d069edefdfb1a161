package dev.espalier.routing;

/**
 * LoRAMoE's localised balancing constraint (Dou et al., <a href="https://arxiv.org/abs/2312.09979">arXiv
 * 2312.09979</a>): experts are split into two halves, the first for tasks of type 0, the second for type 1, and
 * {@code L = var(Z) / mean(Z)²} with {@code Z_{b,e} = I_{b,e} Σ_t g_{t,e}} over the sequences {@code b} and experts of a
 * pass; {@code I} is {@code 1 + δ} where the expert's half is of the sequence's type and {@code 1 - δ} elsewhere.
 *
 * @param coefficient the loss's weight
 * @param delta {@code δ}, from 0 to 1
 * @param biased whether the variance is the sum of squares over their number; else over one less, as PyTorch's {@code var}
 */
public record LocalisedBalanceLoss(double coefficient, double delta, boolean biased) implements RouterLoss {
    private static final double EPSILON = 1e-10;

    @Override
    public double add(Gates gates, double share, Slopes slopes) {
        int experts = gates.experts();
        int sequences = gates.rows().sequences();
        int count = sequences * experts;
        if (count < 2) {
            return 0;
        }
        var z = new double[count];
        double mean = 0;
        for (int i = 0; i < count; i++) {
            z[i] = importance(gates, i / experts, i % experts) * mass(gates, i / experts, i % experts);
            mean += z[i] / count;
        }
        double squares = 0;
        for (double value : z) {
            squares += (value - mean) * (value - mean);
        }
        int degrees = biased ? count : count - 1;
        double variance = squares / degrees;
        double below = mean * mean + EPSILON;
        double scale = coefficient * share * sequences;
        for (int i = 0; i < count; i++) {
            double slope = 2 * (z[i] - mean) / degrees / below - variance * 2 * mean / count / (below * below);
            add(gates, i / experts, i % experts, scale * slope, slopes);
        }
        return scale * variance / below;
    }

    private double importance(Gates gates, int sequence, int expert) {
        boolean firstHalf = expert < gates.experts() / 2;
        boolean firstType = gates.task(sequence) % 2 == 0;
        return firstHalf == firstType ? 1 + delta : 1 - delta;
    }

    private static double mass(Gates gates, int sequence, int expert) {
        double sum = 0;
        int first = gates.rows().first(sequence);
        for (int row = first; row < first + gates.rows().length(sequence); row++) {
            sum += gates.values()[row * gates.experts() + expert];
        }
        return sum;
    }

    private void add(Gates gates, int sequence, int expert, double slope, Slopes slopes) {
        float each = (float) (slope * importance(gates, sequence, expert));
        int first = gates.rows().first(sequence);
        for (int row = first; row < first + gates.rows().length(sequence); row++) {
            slopes.gates()[row * gates.experts() + expert] += each;
        }
    }
}
