package dev.espalier.generate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;

/** The filters of transformers as plain loops in double, for one row. */
final class PlainSampler {
    private PlainSampler() {}

    static double[] probabilities(SamplingOptions options, double[] logits, List<Integer> history) {
        var scores = penalised(options, logits, history);
        for (int i = 0; i < scores.length; i++) {
            scores[i] /= options.temperature();
        }
        topK(options, scores);
        topP(options, scores);
        minP(options, scores);
        return softmax(scores);
    }

    static double[] penalised(SamplingOptions options, double[] logits, List<Integer> history) {
        var scores = logits.clone();
        for (int id : new HashSet<>(history)) {
            scores[id] = scores[id] < 0
                    ? scores[id] * options.repetitionPenalty()
                    : scores[id] / options.repetitionPenalty();
        }
        return scores;
    }

    private static void topK(SamplingOptions options, double[] scores) {
        if (options.topK() > 0 && options.topK() < scores.length) {
            var order = order(scores);
            double least = scores[order[options.topK() - 1]];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = scores[i] < least ? Double.NEGATIVE_INFINITY : scores[i];
            }
        }
    }

    /** Keeps, from the likeliest down, every token before which less than {@code topP} has been collected. */
    private static void topP(SamplingOptions options, double[] scores) {
        if (options.topP() < 1) {
            var probabilities = softmax(scores);
            double before = 0;
            int place = 0;
            for (int id : order(scores)) {
                if (place++ > 0 && before >= options.topP()) {
                    scores[id] = Double.NEGATIVE_INFINITY;
                }
                before += probabilities[id];
            }
        }
    }

    private static void minP(SamplingOptions options, double[] scores) {
        var probabilities = softmax(scores);
        double most = Arrays.stream(probabilities).max().orElseThrow();
        for (int i = 0; i < scores.length; i++) {
            if (probabilities[i] < options.minP() * most) {
                scores[i] = Double.NEGATIVE_INFINITY;
            }
        }
    }

    private static int[] order(double[] scores) {
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -scores[i]))
                .mapToInt(i -> i)
                .toArray();
    }

    private static double[] softmax(double[] scores) {
        double most = Arrays.stream(scores).max().orElseThrow();
        var exponentials = Arrays.stream(scores).map(s -> Math.exp(s - most)).toArray();
        double sum = Arrays.stream(exponentials).sum();
        return Arrays.stream(exponentials).map(e -> e / sum).toArray();
    }
}
