package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Dropout on the gates in training, inverted scaling, before experts are chosen: every expert comes to be used.
 *
 * @param probability that a gate is dropped
 * @param masks where the draws come from
 */
record ExpertDropout(double probability, Masks masks) {
    /** Draws what is kept. */
    @FunctionalInterface
    interface Masks {
        /** 1 where a gate is kept, 0 where not, {@code [rows * tokens, experts]}; null where nothing is dropped. */
        float @Nullable [] draw(ForwardContext context, int experts);
    }

    /** Draws from the step's stream for {@code module}. */
    static ExpertDropout of(String module, double probability) {
        return new ExpertDropout(probability, (context, experts) -> {
            var mask = context.dropoutMask(module + ".expert_dropout", probability, experts, ScalarType.Float);
            return mask == null ? null : FloatArrays.of(mask);
        });
    }

    /** The factor of every gate, {@code [rows * tokens, experts]}; null where it is 1. */
    float @Nullable [] factors(ForwardContext context, int experts) {
        var mask = masks.draw(context, experts);
        if (mask == null) {
            return null;
        }
        float scale = (float) (1 / (1 - probability));
        for (int i = 0; i < mask.length; i++) {
            mask[i] *= scale;
        }
        return mask;
    }
}
