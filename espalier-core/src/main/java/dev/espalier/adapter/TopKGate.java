package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.RouterObservation;
import org.jspecify.annotations.Nullable;

/**
 * What a top-k router decided for the tokens of one pass, and the derivative of that. With softmax gates {@code g} and
 * dropout factors {@code f}: {@code ĝ = f g}; the k largest of {@code ĝ} are chosen; their weights are {@code ĝ}, or
 * {@code ĝ / Σ chosen ĝ}; what is over capacity weighs nothing. Choices and counts carry no gradient.
 */
final class TopKGate {
    private final Settings settings;
    private final int experts;
    private final float[] probabilities;
    private final float @Nullable [] factors;
    private final float[] gates;
    private final int[] choices;
    private final int[] kept;
    private final float[] sums;
    private final LoadBalanceLoss.@Nullable Result loss;
    private final double entropySum;
    private final int[] segmentOfToken;

    /**
     * The parts a gate is made of.
     *
     * @param topK experts a token is given at most
     * @param renormalise whether the weights of a token's choices sum to 1
     */
    record Settings(
            int topK, boolean renormalise, ExpertDropout dropout, ExpertCapacity capacity, LoadBalanceLoss loss) {}

    private TopKGate(float[] logits, float[] probabilities, Settings settings, int modules, ForwardContext context) {
        int k = settings.topK();
        this.settings = settings;
        this.probabilities = probabilities;
        segmentOfToken = context.layout().segmentOfToken();
        experts = probabilities.length / segmentOfToken.length;
        entropySum = entropySum(logits);
        factors = settings.dropout().factors(context, experts);
        gates = product(probabilities, factors);
        choices = TopK.choose(gates, experts, k, context);
        kept = settings.capacity().limit(choices, k, experts, context);
        sums = settings.renormalise() ? sums() : new float[0];
        var training = context.training();
        loss = training == null
                ? null
                : settings.loss().of(gates, choices, k, experts, 1.0 / modules / training.sequencesInStep(), context);
    }

    /**
     * @param logits {@code [rows * tokens, experts]}
     * @param probabilities their softmax
     * @param modules how many modules share the auxiliary loss
     */
    static TopKGate of(float[] logits, float[] probabilities, Settings settings, int modules, ForwardContext context) {
        return new TopKGate(logits, probabilities, settings, modules, context);
    }

    /** {@code -Σ g ln g = z_max - ln g_max - Σ g z} over tokens: one logarithm a token. */
    private double entropySum(float[] logits) {
        double sum = 0;
        for (int token = 0; token < segmentOfToken.length; token++) {
            if (segmentOfToken[token] < 0) {
                continue;
            }
            int largest = token * experts;
            double mean = 0;
            for (int i = token * experts; i < (token + 1) * experts; i++) {
                largest = logits[i] > logits[largest] ? i : largest;
                mean += (double) probabilities[i] * logits[i];
            }
            sum += logits[largest] - Math.log(probabilities[largest]) - mean;
        }
        return sum;
    }

    private static float[] product(float[] a, float @Nullable [] b) {
        if (b == null) {
            return a;
        }
        var product = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            product[i] = a[i] * b[i];
        }
        return product;
    }

    /** The sum of every token's chosen gates. */
    private float[] sums() {
        var sum = new float[segmentOfToken.length];
        for (int slot = 0; slot < choices.length; slot++) {
            if (choices[slot] != TopK.NONE) {
                sum[slot / settings.topK()] += gates[gate(slot, choices[slot])];
            }
        }
        return sum;
    }

    private int gate(int slot, int expert) {
        return slot / settings.topK() * experts + expert;
    }

    /** The weight of every expert, {@code [rows * tokens, experts]}. */
    float[] weights() {
        var weights = new float[gates.length];
        for (int slot = 0; slot < kept.length; slot++) {
            if (kept[slot] != TopK.NONE) {
                int i = gate(slot, kept[slot]);
                weights[i] = settings.renormalise() ? gates[i] / sums[slot / settings.topK()] : gates[i];
            }
        }
        return weights;
    }

    /** This pass's share of the step's auxiliary loss, weighted; 0 in evaluation. */
    double auxiliaryLoss() {
        return loss == null ? 0 : loss.value();
    }

    /** What happened, for people. */
    RouterObservation observation(String module, ForwardContext context) {
        return new RouterObservation(
                module, counts(choices), counts(kept), context.layout().tokenCount(), entropySum);
    }

    private long[] counts(int[] experts) {
        var counts = new long[this.experts];
        for (int expert : experts) {
            if (expert != TopK.NONE) {
                counts[expert]++;
            }
        }
        return counts;
    }

    /**
     * The gradient with respect to the logits, the auxiliary loss's included.
     *
     * @param dWeights with respect to {@link #weights}, {@code [rows * tokens, experts]}
     */
    float[] backward(float[] dWeights) {
        var dGates = new float[gates.length];
        for (int token = 0; token < segmentOfToken.length; token++) {
            if (segmentOfToken[token] >= 0) {
                weightsBackward(token, dWeights, dGates);
                lossBackward(token, dGates);
                softmaxBackward(token, dGates);
            }
        }
        return dGates;
    }

    private void weightsBackward(int token, float[] dWeights, float[] dGates) {
        int k = settings.topK();
        float mean = 0;
        for (int slot = token * k; slot < token * k + k; slot++) {
            if (kept[slot] != TopK.NONE) {
                int i = gate(slot, kept[slot]);
                dGates[i] = settings.renormalise() ? dWeights[i] / sums[token] : dWeights[i];
                mean += dGates[i] * gates[i];
            }
        }
        if (!settings.renormalise()) {
            return;
        }
        for (int slot = token * k; slot < token * k + k; slot++) {
            if (choices[slot] != TopK.NONE) {
                dGates[gate(slot, choices[slot])] -= mean / sums[token];
            }
        }
    }

    private void lossBackward(int token, float[] dGates) {
        if (loss != null) {
            for (int e = 0; e < experts; e++) {
                dGates[token * experts + e] += loss.slope()[segmentOfToken[token] * experts + e];
            }
        }
    }

    /** Through dropout and softmax, in place. */
    private void softmaxBackward(int token, float[] d) {
        float mean = 0;
        for (int i = token * experts; i < (token + 1) * experts; i++) {
            d[i] *= factors == null ? 1 : factors[i];
            mean += d[i] * probabilities[i];
        }
        for (int i = token * experts; i < (token + 1) * experts; i++) {
            d[i] = probabilities[i] * (d[i] - mean);
        }
    }
}
