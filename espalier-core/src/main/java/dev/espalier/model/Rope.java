package dev.espalier.model;

import java.util.List;

/**
 * Rotary position embedding (Su et al., arXiv 2104.09864): pair {@code i} of a head's features, {@code (x_i, x_{i+d/2})},
 * is turned by {@code position · frequency_i}. The scalings that stretch it to longer contexts are those of Hugging
 * Face's {@code rope_scaling}.
 *
 * @param theta the base: {@code frequency_i = theta^(-2i/d)}
 * @param dimensions {@code d}, the features of a head that are turned; the others stay
 * @param scaling how the frequencies are changed
 */
public record Rope(double theta, int dimensions, Scaling scaling) {
    /** A change of the frequencies. */
    public sealed interface Scaling {}

    /** As they are. */
    public record Unscaled() implements Scaling {}

    /** All divided by {@code factor}. */
    public record Linear(double factor) implements Scaling {}

    /** A larger base once a sequence is longer than {@code positions}. */
    public record Dynamic(double factor, int positions) implements Scaling {}

    /** Llama 3.1: low frequencies divided by {@code factor}, high ones kept, those between interpolated. */
    public record Llama3(double factor, double low, double high, int originalPositions) implements Scaling {}

    /**
     * YaRN (Peng et al., arXiv 2309.00071).
     *
     * @param attention what cosine and sine are multiplied by
     * @param whole whether the borders between kept and divided pairs are rounded to whole pairs
     */
    public record Yarn(
            double factor, int originalPositions, double betaFast, double betaSlow, double attention, boolean whole)
            implements Scaling {}

    /**
     * LongRoPE (Ding et al., arXiv 2402.13753): a divisor for every pair, by the length of the sequence.
     *
     * @param attention what cosine and sine are multiplied by
     */
    public record LongRope(List<Double> shortFactors, List<Double> longFactors, int originalPositions, double attention)
            implements Scaling {}

    /** What cosine and sine are multiplied by. */
    double attention() {
        if (scaling instanceof Yarn yarn) {
            return yarn.attention;
        }
        return scaling instanceof LongRope longRope ? longRope.attention : 1;
    }

    /**
     * The frequencies, {@code [dimensions / 2]}.
     *
     * @param longest the longest sequence of the pass, which some scalings look at
     */
    double[] frequencies(int longest) {
        if (scaling instanceof Linear linear) {
            return map((i, f) -> f / linear.factor);
        }
        if (scaling instanceof Dynamic dynamic) {
            double length = Math.max(longest, dynamic.positions);
            double stretch = dynamic.factor * length / dynamic.positions - (dynamic.factor - 1);
            double base = theta * Math.pow(stretch, dimensions / (dimensions - 2.0));
            return new Rope(base, dimensions, new Unscaled()).frequencies(longest);
        }
        if (scaling instanceof Llama3 llama) {
            return map((i, f) -> llama3(llama, f));
        }
        if (scaling instanceof Yarn yarn) {
            return yarn(yarn);
        }
        if (scaling instanceof LongRope longRope) {
            var factors = longest > longRope.originalPositions ? longRope.longFactors : longRope.shortFactors;
            return map((i, f) -> f / factors.get(i));
        }
        return map((i, f) -> f);
    }

    private static double llama3(Llama3 llama, double frequency) {
        double turns = llama.originalPositions * frequency / (2 * Math.PI);
        if (turns < llama.low) {
            return frequency / llama.factor;
        }
        if (turns > llama.high) {
            return frequency;
        }
        double smooth = (turns - llama.low) / (llama.high - llama.low);
        return (1 - smooth) * frequency / llama.factor + smooth * frequency;
    }

    private double[] yarn(Yarn yarn) {
        double first = border(yarn.betaFast, yarn.originalPositions);
        double last = border(yarn.betaSlow, yarn.originalPositions);
        double low = Math.max(yarn.whole ? Math.floor(first) : first, 0);
        double high = Math.min(yarn.whole ? Math.ceil(last) : last, dimensions - 1);
        double width = high == low ? 0.001 : high - low;
        return map((i, f) -> {
            double divided = Math.min(1, Math.max(0, (i - low) / width));
            return f / yarn.factor * divided + f * (1 - divided);
        });
    }

    /** The pair that makes {@code turns} turns over the original positions. */
    private double border(double turns, int positions) {
        return dimensions * Math.log(positions / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private interface Change {
        double apply(int pair, double frequency);
    }

    private double[] map(Change change) {
        var frequencies = new double[dimensions / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = change.apply(i, Math.pow(theta, -2.0 * i / dimensions));
        }
        return frequencies;
    }
}
