package dev.espalier.routing;

import dev.espalier.error.InputException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Which experts a row of gates chooses. Choices carry no gradient. */
public sealed interface Selection {
    /** Stands where a row has no choice. */
    int NONE = -1;

    /** Choices of a row at most. */
    int slots(int experts);

    /**
     * Chooses for one row.
     *
     * @param gates of all rows
     * @param bias added to every expert's gate for the choice alone, {@code [experts]}; null for none
     * @param from the row's first gate
     * @param choices where they go, first choice first; {@link #NONE} stands in the slots that stay free
     * @param to the row's first slot
     */
    void choose(float[] gates, float @Nullable [] bias, int from, int experts, int[] choices, int to);

    /** The choices of every row, {@code [rows, slots]}; padding has none. */
    default int[] choose(float[] gates, float @Nullable [] bias, int experts, Rows rows) {
        int slots = slots(experts);
        var choices = new int[rows.count() * slots];
        Arrays.fill(choices, NONE);
        for (int row = 0; row < rows.count(); row++) {
            if (!rows.isPadding(row)) {
                choose(gates, bias, row * experts, experts, choices, row * slots);
            }
        }
        return choices;
    }

    /** Every expert: a dense mixture. */
    record All() implements Selection {
        @Override
        public int slots(int experts) {
            return experts;
        }

        @Override
        public void choose(float[] gates, float @Nullable [] bias, int from, int experts, int[] choices, int to) {
            for (int e = 0; e < experts; e++) {
                choices[to + e] = e;
            }
        }
    }

    /**
     * The experts with the largest gates; of equal ones the lower index. A gate of zero is never chosen, so a row may
     * have fewer than {@code k}.
     */
    record TopK(int k) implements Selection {
        public TopK {
            if (k < 1) {
                throw new InputException("top-k must be at least 1, not " + k + ".");
            }
        }

        @Override
        public int slots(int experts) {
            return k;
        }

        @Override
        public void choose(float[] gates, float @Nullable [] bias, int from, int experts, int[] choices, int to) {
            int count = 0;
            for (int e = 0; e < experts; e++) {
                float score = score(gates, bias, from, e);
                if (!(gates[from + e] > 0) || (count == k && score <= score(gates, bias, from, choices[to + k - 1]))) {
                    continue;
                }
                int place = count < k ? count++ : k - 1;
                while (place > 0 && score(gates, bias, from, choices[to + place - 1]) < score) {
                    choices[to + place] = choices[to + place - 1];
                    place--;
                }
                choices[to + place] = e;
            }
        }

        private static float score(float[] gates, float @Nullable [] bias, int from, int expert) {
            return bias == null ? gates[from + expert] : gates[from + expert] + bias[expert];
        }
    }

    /** The experts whose gate is at least {@code least}, in order; none where all are below. */
    record AtLeast(double least) implements Selection {
        @Override
        public int slots(int experts) {
            return experts;
        }

        @Override
        public void choose(float[] gates, float @Nullable [] bias, int from, int experts, int[] choices, int to) {
            int slot = to;
            for (int e = 0; e < experts; e++) {
                if (gates[from + e] >= least) {
                    choices[slot++] = e;
                }
            }
        }
    }
}
