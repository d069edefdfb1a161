package dev.espalier.routing;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * The auxiliary loss that keeps experts evenly used: {@code scale · Σ_e (c_e / S) m_e} over {@code S} rows, with
 * {@code c_e} the rows that chose expert {@code e} before capacity (a constant to the gradient) and {@code m_e} the mean
 * of its gate. Switch Transformers (Fedus et al., <a href="https://arxiv.org/abs/2101.03961">arXiv 2101.03961</a>) and
 * what came after it differ in {@code scale} and in what is averaged.
 *
 * @param coefficient what the mean is multiplied by
 * @param experts how an even load is valued
 * @param scope which rows are averaged before the product is taken
 */
public record LoadBalanceLoss(double coefficient, Scale experts, Scope scope) implements RouterLoss {
    /** What the sum over experts is multiplied by. */
    public enum Scale {
        /** {@code 1 / E}: an even load gives {@code k / E²}. SiRA's formula. */
        @JsonProperty("mean")
        MEAN {
            @Override
            double factor(int experts, int k) {
                return 1.0 / experts;
            }
        },

        /** {@code E / k}: an even load gives 1 whatever {@code E} and {@code k} are. */
        @JsonProperty("by-selection")
        BY_SELECTION {
            @Override
            double factor(int experts, int k) {
                return (double) experts / k;
            }
        },

        /** {@code E}: an even load gives {@code k}. */
        @JsonProperty("by-token")
        BY_TOKEN {
            @Override
            double factor(int experts, int k) {
                return experts;
            }
        };

        abstract double factor(int experts, int k);
    }

    /** What is one population. */
    public enum Scope {
        /** Each sequence by itself; then the mean over sequences. The same however a batch is cut. */
        @JsonProperty("sequence")
        SEQUENCE,

        /** All sequences of a pass together, as most authors' code has it; a pass is what one worker gets of a batch. */
        @JsonProperty("batch")
        BATCH
    }

    @Override
    public double add(Gates gates, double share, Slopes slopes) {
        int sequences = gates.rows().sequences();
        if (scope == Scope.BATCH) {
            return add(gates, 0, sequences, share * sequences, slopes);
        }
        double value = 0;
        for (int sequence = 0; sequence < sequences; sequence++) {
            value += add(gates, sequence, sequence + 1, share, slopes);
        }
        return value;
    }

    private double add(Gates gates, int from, int to, double share, Slopes slopes) {
        int experts = gates.experts();
        int k = gates.slots();
        double scale = coefficient * share * this.experts.factor(experts, k);
        var chosen = new int[experts];
        var sums = new double[experts];
        double length = 0;
        for (int sequence = from; sequence < to; sequence++) {
            count(gates, sequence, chosen, sums);
            length += gates.rows().length(sequence);
        }
        double value = 0;
        var slope = new float[experts];
        for (int e = 0; e < experts; e++) {
            double load = chosen[e] / length;
            value += scale * load * (sums[e] / length);
            slope[e] = (float) (scale * load / length);
        }
        for (int sequence = from; sequence < to; sequence++) {
            int first = gates.rows().first(sequence);
            for (int i = first * experts; i < (first + gates.rows().length(sequence)) * experts; i++) {
                slopes.gates()[i] += slope[i % experts];
            }
        }
        return value;
    }

    private static void count(Gates gates, int sequence, int[] chosen, double[] sums) {
        int experts = gates.experts();
        int k = gates.slots();
        int first = gates.rows().first(sequence);
        for (int row = first; row < first + gates.rows().length(sequence); row++) {
            for (int slot = row * k; slot < row * k + k; slot++) {
                if (gates.choices()[slot] != Selection.NONE) {
                    chosen[gates.choices()[slot]]++;
                }
            }
            for (int e = 0; e < experts; e++) {
                sums[e] += gates.values()[row * experts + e];
            }
        }
    }
}
