package dev.espalier.optim;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.Map;
import java.util.TreeMap;

/**
 * The learning rate of every step, defined as in transformers: it rises linearly from 0 over the warm-up, then decays
 * until {@code totalSteps}. Steps count from 0, so with a warm-up the first step's rate is 0.
 *
 * @param decay what happens after the warm-up
 * @param peak the rate at the end of the warm-up
 * @param warmupSteps 0 for none
 * @param totalSteps optimizer steps of the whole run
 */
public record Schedule(Decay decay, double peak, int warmupSteps, int totalSteps) {
    private static final Map<String, Decay> NAMED = new TreeMap<>(Map.of(
            "constant", Decay.constant(),
            "linear", Decay.linear(),
            "cosine", Decay.cosine(),
            "inverse-sqrt", Decay.inverseSqrt()));

    public Schedule {
        if (!(peak >= 0) || Double.isInfinite(peak)) {
            throw new InputException("The learning rate must be a number from 0 up, not " + peak + ".");
        }
        if (warmupSteps < 0) {
            throw new InputException("The warm-up must be at least 0 steps, not " + warmupSteps + ".");
        }
    }

    /**
     * The schedule of that name in recipes: constant, linear, cosine, inverse-sqrt.
     *
     * @throws InputException for another name
     */
    public static Schedule named(String name, double peak, int warmupSteps, int totalSteps) {
        var decay = NAMED.get(name);
        if (decay == null) {
            throw new InputException("Unknown learning-rate schedule '" + name + "'. Did you mean '"
                    + Nearest.to(name, NAMED.keySet(), 1).get(0) + "'? There are "
                    + String.join(", ", NAMED.keySet()) + ".");
        }
        return new Schedule(decay, peak, warmupSteps, totalSteps);
    }

    /** Warm-up steps for a share of all steps, rounded up. */
    public static int warmupSteps(double ratio, int totalSteps) {
        if (!(ratio >= 0 && ratio <= 1)) {
            throw new InputException("The warm-up ratio must lie between 0 and 1, not " + ratio + ".");
        }
        return (int) Math.ceil(ratio * totalSteps);
    }

    /** The rate that step {@code step}, from 0, uses. */
    public double rate(int step) {
        return step < warmupSteps
                ? peak * step / warmupSteps
                : peak * decay.factor(step - warmupSteps, warmupSteps, totalSteps - warmupSteps);
    }
}
