package dev.espalier.optim;

import dev.espalier.error.InputException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Parameters that share their settings.
 *
 * @param parameters fp32, contiguous, by name
 * @param learningRateMultiplier factor on the step's learning rate (LoRA+ gives B its own)
 * @param weightDecay decoupled decay: a step takes this times the learning rate off the parameter
 */
public record ParameterGroup(Map<String, Tensor> parameters, double learningRateMultiplier, double weightDecay) {
    public ParameterGroup {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        requireNotNegative("learning rate multiplier", learningRateMultiplier);
        requireNotNegative("weight decay", weightDecay);
    }

    /** The plain group: multiplier 1. */
    public static ParameterGroup of(Map<String, Tensor> parameters, double weightDecay) {
        return new ParameterGroup(parameters, 1, weightDecay);
    }

    private static void requireNotNegative(String what, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new InputException("The " + what + " must be a number from 0 up, not " + value + ".");
        }
    }
}
