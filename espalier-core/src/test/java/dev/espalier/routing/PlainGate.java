package dev.espalier.routing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The formulas of a top-k gate written as plainly as possible, in double; the gradient by central differences. */
final class PlainGate {
    private static final double STEP = 1e-5;
    private final Gating settings;
    private final int topK;
    private final LoadBalanceLoss loss;
    private final int experts;
    private final int[] lengths;
    private final int tokens;
    private final float[] mask;
    private final double share;
    private final List<List<Integer>> choices = new ArrayList<>();
    private final List<List<Integer>> kept = new ArrayList<>();

    PlainGate(Gating settings, int experts, int[] lengths, int tokens, float[] mask, int modules, int sequences) {
        this.settings = settings;
        this.topK = settings.selection().slots(experts);
        this.loss = (LoadBalanceLoss) settings.losses().get(0);
        this.experts = experts;
        this.lengths = lengths;
        this.tokens = tokens;
        this.mask = mask;
        this.share = 1.0 / modules / sequences;
    }

    static double[] softmax(double[] logits, int from, int experts) {
        var p = new double[experts];
        double sum = 0;
        for (int e = 0; e < experts; e++) {
            p[e] = Math.exp(logits[from + e]);
            sum += p[e];
        }
        for (int e = 0; e < experts; e++) {
            p[e] /= sum;
        }
        return p;
    }

    private double[] gates(double[] logits, int token) {
        var g = softmax(logits, token * experts, experts);
        for (int e = 0; e < experts; e++) {
            g[e] *= mask[token * experts + e] / (1 - settings.dropout().probability());
        }
        return g;
    }

    /** Settles who is chosen and kept; both stay fixed when logits are changed for a difference. */
    void decide(double[] logits) {
        for (int token = 0; token < lengths.length * tokens; token++) {
            var chosen = new ArrayList<Integer>();
            if (token % tokens < lengths[token / tokens]) {
                var g = gates(logits, token);
                for (int e = 0; e < experts; e++) {
                    if (g[e] > 0) {
                        chosen.add(e);
                    }
                }
                chosen.sort(Comparator.comparingDouble(e -> -g[e]));
                while (chosen.size() > topK) {
                    chosen.remove(chosen.size() - 1);
                }
            }
            choices.add(chosen);
            kept.add(new ArrayList<>());
        }
        for (int row = 0; row < lengths.length; row++) {
            int length = lengths[row];
            double slots = settings.capacity()
                    .factor()
                    .map(c -> Math.ceil(c * topK * length / experts))
                    .orElse(Double.POSITIVE_INFINITY);
            var taken = new int[experts];
            for (int rank = 0; rank < topK; rank++) {
                for (int token = row * tokens; token < row * tokens + length; token++) {
                    if (rank < choices.get(token).size()) {
                        int expert = choices.get(token).get(rank);
                        if (taken[expert] < slots) {
                            taken[expert]++;
                            kept.get(token).add(expert);
                        }
                    }
                }
            }
        }
    }

    double[] weights(double[] logits) {
        var weights = new double[logits.length];
        for (int token = 0; token < kept.size(); token++) {
            var g = gates(logits, token);
            double sum = settings.renormalise()
                    ? choices.get(token).stream().mapToDouble(e -> g[e]).sum()
                    : 1;
            for (int e : kept.get(token)) {
                weights[token * experts + e] = g[e] / sum;
            }
        }
        return weights;
    }

    double auxiliary(double[] logits) {
        double total = 0;
        for (int row = 0; row < lengths.length; row++) {
            for (int e = 0; e < experts; e++) {
                double count = 0;
                double mean = 0;
                for (int token = row * tokens; token < row * tokens + lengths[row]; token++) {
                    count += choices.get(token).contains(e) ? 1 : 0;
                    mean += gates(logits, token)[e] / lengths[row];
                }
                total += count / lengths[row] * mean / experts;
            }
        }
        return loss.coefficient()
                * share
                * total
                * (loss.experts() == LoadBalanceLoss.Scale.MEAN ? 1 : (double) experts * experts / topK);
    }

    double entropy(double[] logits) {
        double entropy = 0;
        for (int token = 0; token < kept.size(); token++) {
            if (token % tokens < lengths[token / tokens]) {
                for (double p : softmax(logits, token * experts, experts)) {
                    entropy -= p * Math.log(p);
                }
            }
        }
        return entropy;
    }

    long[] chosen() {
        return counts(choices);
    }

    long[] kept() {
        return counts(kept);
    }

    private long[] counts(List<List<Integer>> perToken) {
        var counts = new long[experts];
        perToken.forEach(list -> list.forEach(e -> counts[e]++));
        return counts;
    }

    private double objective(double[] logits, double[] dWeights) {
        double sum = auxiliary(logits);
        var weights = weights(logits);
        for (int i = 0; i < weights.length; i++) {
            sum += weights[i] * dWeights[i];
        }
        return sum;
    }

    double[] gradient(double[] logits, double[] dWeights) {
        var gradient = new double[logits.length];
        var changed = logits.clone();
        for (int i = 0; i < logits.length; i++) {
            changed[i] = logits[i] + STEP;
            double up = objective(changed, dWeights);
            changed[i] = logits[i] - STEP;
            gradient[i] = (up - objective(changed, dWeights)) / (2 * STEP);
            changed[i] = logits[i];
        }
        return gradient;
    }
}
