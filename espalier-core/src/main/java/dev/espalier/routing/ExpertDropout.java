package dev.espalier.routing;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.FloatArrays;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Dropout on the gates in training, inverted scaling, before experts are chosen: every expert comes to be used.
 *
 * @param probability that a gate is dropped
 * @param masks where the draws come from
 */
public record ExpertDropout(double probability, Masks masks) {
    /** None. */
    public static final ExpertDropout NONE = new ExpertDropout(0, (context, gates) -> null);

    /** Draws what is kept. */
    @FunctionalInterface
    public interface Masks {
        /** 1 where a gate is kept, 0 where not, {@code [tokens, gates of a token]}; null where nothing is dropped. */
        float @Nullable [] draw(ForwardContext context, int gates);
    }

    /** Draws from the step's stream for {@code module}. */
    public static ExpertDropout of(String module, double probability) {
        return new ExpertDropout(probability, (context, gates) -> {
            var mask = context.dropoutMask(module + ".expert_dropout", probability, gates, ScalarType.Float);
            return mask == null ? null : FloatArrays.of(mask);
        });
    }

    /** The factor of every gate, {@code [tokens, gates of a token]}; null where it is 1. */
    float @Nullable [] factors(ForwardContext context, int gates) {
        var mask = masks.draw(context, gates);
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
