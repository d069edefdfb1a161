package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import java.util.Optional;

/**
 * How many tokens of a sequence an expert takes: {@code C = ceil(factor · k · S / E)} with {@code S} the sequence's
 * tokens that are not padding. Slots go to all first choices in sequence order, then to all second choices, and so on;
 * an expert that is full drops the token, whose other choices stay as they are.
 *
 * @param factor empty for no limit
 * @param inEvaluation whether the limit holds outside training too; it looks at the whole sequence, which a model that
 *     answers token by token cannot
 */
public record ExpertCapacity(Optional<Double> factor, boolean inEvaluation) {
    /** No limit. */
    public static final ExpertCapacity UNLIMITED = new ExpertCapacity(Optional.empty(), false);

    /** Tokens of a sequence of {@code length} that one expert takes at most. */
    int slots(int k, int length, int experts) {
        return factor.map(f -> (int) Math.ceil(f * k * length / experts)).orElse(length);
    }

    /**
     * Takes the choices that are over capacity away.
     *
     * @param choices {@code [rows, k]} as a {@link Selection} gives them; not changed
     * @return the choices that are left
     */
    int[] limit(int[] choices, int k, int experts, Rows rows, ForwardContext context) {
        if (factor.isEmpty() || !(context.isTraining() || inEvaluation)) {
            return choices;
        }
        var kept = choices.clone();
        for (int sequence = 0; sequence < rows.sequences(); sequence++) {
            int first = rows.first(sequence);
            int end = first + rows.length(sequence);
            int slots = slots(k, rows.length(sequence), experts);
            var taken = new int[experts];
            for (int rank = 0; rank < k; rank++) {
                for (int row = first; row < end; row++) {
                    int expert = kept[row * k + rank];
                    if (expert != Selection.NONE && taken[expert]++ >= slots) {
                        kept[row * k + rank] = Selection.NONE;
                    }
                }
            }
        }
        return kept;
    }
}
