package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import java.util.Arrays;

/** Chooses the experts with the largest gates. */
final class TopK {
    /** Stands where a token has no choice. */
    static final int NONE = -1;

    private TopK() {}

    /**
     * The choices of every token, largest gate first; of equal gates the lower index. A gate of zero is never chosen,
     * so a token may have fewer than {@code k}; padding has none.
     *
     * @param gates {@code [rows * tokens, experts]}
     * @return {@code [rows * tokens, k]} of experts, or {@link #NONE}
     */
    static int[] choose(float[] gates, int experts, int k, ForwardContext context) {
        var choices = new int[context.rows() * context.tokens() * k];
        Arrays.fill(choices, NONE);
        for (var segment : context.layout().segments()) {
            int first = context.layout().first(segment);
            for (int token = first; token < first + segment.length(); token++) {
                choose(gates, token * experts, experts, choices, token * k, k);
            }
        }
        return choices;
    }

    private static void choose(float[] gates, int from, int experts, int[] choices, int to, int k) {
        int count = 0;
        for (int e = 0; e < experts; e++) {
            float gate = gates[from + e];
            if (!(gate > 0) || (count == k && gate <= gates[from + choices[to + k - 1]])) {
                continue;
            }
            int place = count < k ? count++ : k - 1;
            while (place > 0 && gates[from + choices[to + place - 1]] < gate) {
                choices[to + place] = choices[to + place - 1];
                place--;
            }
            choices[to + place] = e;
        }
    }
}
