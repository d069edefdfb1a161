package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;

/**
 * The auxiliary loss that keeps experts evenly used, per sequence of {@code S} tokens that are not padding:
 * {@code L = 1/E Σ_e (c_e / S) m_e}, with {@code c_e} the tokens that chose expert {@code e} before capacity (a
 * constant to the gradient) and {@code m_e} the mean of its gate after expert dropout. The mean over sequences and
 * modules is taken.
 *
 * @param coefficient what the mean is multiplied by
 * @param balanced whether to scale by {@code E² / k}, so that an even load gives 1 whatever E and k are
 */
record LoadBalanceLoss(double coefficient, boolean balanced) {
    /**
     * @param value the micro-batch's share of the step's loss
     * @param slope of the loss with respect to every gate of a sequence, {@code [segments, experts]}
     */
    record Result(double value, float[] slope) {}

    /**
     * @param gates after expert dropout, {@code [rows * tokens, experts]}
     * @param choices {@code [rows * tokens, k]}, before capacity
     * @param share what the sum over sequences is multiplied by: {@code 1 / (modules · sequences of the step)}
     */
    Result of(float[] gates, int[] choices, int k, int experts, double share, ForwardContext context) {
        double scale = coefficient * share / experts * (balanced ? (double) experts * experts / k : 1);
        double value = 0;
        var layout = context.layout();
        var slope = new float[layout.segments().size() * experts];
        for (int i = 0; i < layout.segments().size(); i++) {
            int first = layout.first(layout.segments().get(i));
            double length = layout.segments().get(i).length();
            var chosen = new int[experts];
            var sums = new double[experts];
            for (int token = first; token < first + length; token++) {
                for (int slot = token * k; slot < token * k + k; slot++) {
                    if (choices[slot] != TopK.NONE) {
                        chosen[choices[slot]]++;
                    }
                }
                for (int e = 0; e < experts; e++) {
                    sums[e] += gates[token * experts + e];
                }
            }
            for (int e = 0; e < experts; e++) {
                double load = chosen[e] / length;
                value += scale * load * (sums[e] / length);
                slope[i * experts + e] = (float) (scale * load / length);
            }
        }
        return new Result(value, slope);
    }
}
