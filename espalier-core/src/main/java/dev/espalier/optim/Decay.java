package dev.espalier.optim;

/** The factor on the peak learning rate after the warm-up. */
@FunctionalInterface
public interface Decay {
    /** Time scale of {@link #inverseSqrt} when there is no warm-up, in steps. */
    int INVERSE_SQRT_SCALE = 10_000;

    /**
     * @param step steps since the end of the warm-up, from 0
     * @param warmupSteps length of the warm-up
     * @param decaySteps steps from the end of the warm-up to the end of the run; the factor stays at its last value after
     * @return a factor, 1 at step 0
     */
    double factor(int step, int warmupSteps, int decaySteps);

    static Decay constant() {
        return (step, warmupSteps, decaySteps) -> 1;
    }

    static Decay linear() {
        return polynomial(1, 0);
    }

    /** {@code remaining^power}, from 1 down to {@code end}. */
    static Decay polynomial(double power, double end) {
        return (step, warmupSteps, decaySteps) -> end + (1 - end) * Math.pow(1 - progress(step, decaySteps), power);
    }

    /** Half a wave down to 0. */
    static Decay cosine() {
        return cosine(0);
    }

    /** Half a wave from 1 down to {@code end}. */
    static Decay cosine(double end) {
        return (step, warmupSteps, decaySteps) -> end + (1 - end) * halfWave(progress(step, decaySteps));
    }

    /** {@code cycles} half waves, each from 1 down to 0, and 0 at the end. */
    static Decay cosineWithRestarts(int cycles) {
        return (step, warmupSteps, decaySteps) -> {
            var progress = progress(step, decaySteps);
            return progress >= 1 ? 0 : halfWave(cycles * progress % 1);
        };
    }

    /** {@code 1 / √(1 + step / scale)}; the scale is the warm-up's length. */
    static Decay inverseSqrt() {
        return (step, warmupSteps, decaySteps) ->
                1 / Math.sqrt(1 + step / (double) (warmupSteps > 0 ? warmupSteps : INVERSE_SQRT_SCALE));
    }

    private static double progress(int step, int decaySteps) {
        return Math.min(1, step / (double) Math.max(1, decaySteps));
    }

    private static double halfWave(double progress) {
        return 0.5 * (1 + Math.cos(Math.PI * progress));
    }
}
