package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.RouterObservation;
import org.jspecify.annotations.Nullable;

/** What a router decided for the rows of one pass, as {@link Gating} says, and the derivative of that. */
final class Gates {
    private final Gating gating;
    private final int experts;
    private final int slots;
    private final Rows rows;
    private final Input input;
    private final float @Nullable [] factors;
    private final float[] gates;
    private final int[] choices;
    private final int[] kept;
    private final float[] sums;
    private final int[] tasks;
    private final RouterLoss.@Nullable Slopes slopes;
    private final double loss;

    /**
     * What the gates are made of.
     *
     * @param scores {@code [rows, experts]}
     * @param activated the activation of the scores
     * @param threshold taken off every gate of a row, {@code [rows]}; null for none
     * @param bias added to gates for the choice alone, {@code [experts]}; null for none
     * @param perToken rows of a token
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    record Input(
            int experts,
            float[] scores,
            float[] activated,
            float @Nullable [] threshold,
            float @Nullable [] bias,
            int perToken) {}

    /**
     * @param modules how many modules share the auxiliary losses
     */
    Gates(Input input, Gating gating, int modules, ForwardContext context) {
        this.gating = gating;
        this.input = input;
        experts = input.experts();
        rows = new Rows(context.layout(), input.perToken());
        slots = gating.selection().slots(experts);
        factors = gating.dropout().factors(context, experts * input.perToken());
        gates = gates(input, factors);
        choices = gating.selection().choose(gates, input.bias(), experts, rows);
        kept = gating.capacity().limit(choices, slots, experts, rows, context);
        sums = gating.renormalise() ? sums() : new float[0];
        tasks = context.tasks();
        var training = context.training();
        slopes = training == null || gating.losses().isEmpty() ? null : new RouterLoss.Slopes(gates.length);
        double value = 0;
        if (training != null && slopes != null) {
            double share = 1.0 / modules / training.sequencesInStep();
            for (var each : gating.losses()) {
                value += each.add(this, share, slopes);
            }
        }
        loss = value;
    }

    private static float[] gates(Input input, float @Nullable [] factors) {
        var threshold = input.threshold();
        if (factors == null && threshold == null) {
            return input.activated();
        }
        var gates = input.activated().clone();
        for (int i = 0; i < gates.length; i++) {
            gates[i] *= factors == null ? 1 : factors[i];
            gates[i] -= threshold == null ? 0 : threshold[i / input.experts()];
        }
        return gates;
    }

    Rows rows() {
        return rows;
    }

    int experts() {
        return experts;
    }

    /** Choices of a row at most. */
    int slots() {
        return slots;
    }

    /** Before the activation, {@code [rows, experts]}. */
    float[] scores() {
        return input.scores();
    }

    /** After dropout and threshold, {@code [rows, experts]}. */
    float[] values() {
        return gates;
    }

    /** Before capacity, {@code [rows, slots]}. */
    int[] choices() {
        return choices;
    }

    /** What is left of the choices after capacity, by expert; tokens are rows. */
    ExpertTokens tokens() {
        return ExpertTokens.of(kept, slots, experts);
    }

    /** The task of a sequence, by its place among those of the run. */
    int task(int sequence) {
        return tasks[sequence];
    }

    /** The sum of every row's chosen gates. */
    private float[] sums() {
        var sum = new float[rows.count()];
        for (int slot = 0; slot < choices.length; slot++) {
            if (choices[slot] != Selection.NONE) {
                sum[slot / slots] += gates[gate(slot, choices[slot])];
            }
        }
        return sum;
    }

    private int gate(int slot, int expert) {
        return slot / slots * experts + expert;
    }

    /** The weight of every expert, {@code [rows, experts]}. */
    float[] weights() {
        var weights = new float[gates.length];
        for (int slot = 0; slot < kept.length; slot++) {
            if (kept[slot] != Selection.NONE) {
                int i = gate(slot, kept[slot]);
                weights[i] = gating.renormalise() ? share(gates[i], sums[slot / slots]) : gates[i];
            }
        }
        return weights;
    }

    private static float share(float gate, float sum) {
        return sum > 0 ? gate / sum : 0;
    }

    /** This pass's share of the step's auxiliary losses, weighted; 0 in evaluation. */
    double auxiliaryLoss() {
        return loss;
    }

    /** What happened, for people. */
    RouterObservation observation(String module) {
        double entropy = 0;
        var mass = new double[experts];
        var activated = input.activated();
        for (int row = 0; row < rows.count(); row++) {
            if (!rows.isPadding(row)) {
                int from = row * experts;
                entropy += gating.activation().entropy(input.scores(), activated, from, experts);
                for (int e = 0; e < experts; e++) {
                    mass[e] += activated[from + e];
                }
            }
        }
        return new RouterObservation(module, counts(choices), counts(kept), mass, rows.routed(), entropy);
    }

    private long[] counts(int[] chosen) {
        var counts = new long[experts];
        for (int expert : chosen) {
            if (expert != Selection.NONE) {
                counts[expert]++;
            }
        }
        return counts;
    }

    /**
     * The gradients of a pass, the auxiliary losses' included.
     *
     * @param scores with respect to the scores, {@code [rows, experts]}
     * @param threshold with respect to the threshold, {@code [rows]}; null where there is none
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    record Derivative(float[] scores, float @Nullable [] threshold) {}

    /** @param dWeights with respect to {@link #weights}, {@code [rows, experts]} */
    Derivative backward(float[] dWeights) {
        var d = new float[gates.length];
        var dThreshold = input.threshold() == null ? null : new float[rows.count()];
        for (int row = 0; row < rows.count(); row++) {
            if (rows.isPadding(row)) {
                continue;
            }
            weightsBackward(row, dWeights, d);
            for (int i = row * experts; i < (row + 1) * experts; i++) {
                d[i] += slopes == null ? 0 : slopes.gates()[i];
                if (dThreshold != null) {
                    dThreshold[row] -= d[i];
                }
                d[i] *= factors == null ? 1 : factors[i];
            }
            gating.activation().backward(input.activated(), d, row * experts, experts);
            for (int i = row * experts; slopes != null && i < (row + 1) * experts; i++) {
                d[i] += slopes.scores()[i];
            }
        }
        return new Derivative(d, dThreshold);
    }

    private void weightsBackward(int row, float[] dWeights, float[] d) {
        if (gating.renormalise() && !(sums[row] > 0)) {
            return;
        }
        float mean = 0;
        for (int slot = row * slots; slot < row * slots + slots; slot++) {
            if (kept[slot] != Selection.NONE) {
                int i = gate(slot, kept[slot]);
                d[i] = gating.renormalise() ? dWeights[i] / sums[row] : dWeights[i];
                mean += d[i] * gates[i];
            }
        }
        if (!gating.renormalise()) {
            return;
        }
        for (int slot = row * slots; slot < row * slots + slots; slot++) {
            if (choices[slot] != Selection.NONE) {
                d[gate(slot, choices[slot])] -= mean / sums[row];
            }
        }
    }
}
