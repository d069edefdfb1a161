package dev.espalier.adapter;

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
record ExpertCapacity(Optional<Double> factor, boolean inEvaluation) {
    /** Tokens of a sequence of {@code length} that one expert takes at most. */
    int slots(int k, int length, int experts) {
        return factor.map(f -> (int) Math.ceil(f * k * length / experts)).orElse(length);
    }

    /**
     * Takes the choices that are over capacity away.
     *
     * @param choices {@code [rows * tokens, k]} as {@link TopK} gives them; not changed
     * @return the choices that are left
     */
    int[] limit(int[] choices, int k, int experts, ForwardContext context) {
        if (factor.isEmpty() || !(context.isTraining() || inEvaluation)) {
            return choices;
        }
        var kept = choices.clone();
        for (var segment : context.layout().segments()) {
            int first = context.layout().first(segment);
            int slots = slots(k, segment.length(), experts);
            var taken = new int[experts];
            for (int rank = 0; rank < k; rank++) {
                for (int token = first; token < first + segment.length(); token++) {
                    int expert = kept[token * k + rank];
                    if (expert != TopK.NONE && taken[expert]++ >= slots) {
                        kept[token * k + rank] = TopK.NONE;
                    }
                }
            }
        }
        return kept;
    }
}
