package dev.espalier.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Tape;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The gate against {@link PlainGate}, the formulas as plain loops in double, differentiated by differences. */
class GatesTest {
    @ParameterizedTest(name = "E {0}, k {1}, capacity {2}, keep {3}, renormalise {4}, balanced {5}, lengths {6}")
    @CsvSource({
        "4, 2, 0,   1,  false, false, 7 7 7",
        "4, 2, 1.0, 1,  false, false, 7 5 1",
        "4, 2, 0.5, .5, true,  true,  7 5 1",
        "4, 3, 0.7, .3, true,  false, 7 2 6",
        "1, 1, 0,   1,  false, true,  7 1 7",
        "1, 1, 0.4, 1,  true,  false, 7 1 7",
        "5, 5, 0,   1,  false, false, 1 1 1",
        "5, 5, 0.6, .6, true,  true,  7 7 7",
        "6, 2, 0,   0,  true,  false, 7 3 7",
        "6, 2, 1.0, 0,  false, true,  7 3 7",
        "16, 4, 1.25, .5, false, false, 40 25 12"
    })
    void weightsLossCountsAndGradientAreThoseOfThePlainLoops(
            int experts, int k, double capacity, double keep, boolean renormalise, boolean balanced, String lengths) {
        for (int seed = 0; seed < 5; seed++) {
            var random = new Random(seed);
            var rows = Arrays.stream(lengths.split(" "))
                    .mapToInt(Integer::parseInt)
                    .toArray();
            int tokens = Arrays.stream(rows).max().orElseThrow();
            int size = rows.length * tokens * experts;
            var logits = values(random, size);
            var mask = new float[size];
            for (int i = 0; i < size; i++) {
                mask[i] = random.nextDouble() < keep ? 1 : 0;
            }
            var slopes = values(random, size);
            var settings = new Gating(
                    Activation.SOFTMAX,
                    new ExpertDropout(.25, (context, e) -> mask.clone()),
                    new Selection.TopK(k),
                    renormalise,
                    new ExpertCapacity(Optional.of(capacity).filter(c -> c > 0), false),
                    List.of(load(.7, balanced)));
            var plain = new PlainGate(settings, experts, rows, tokens, mask, 3, 4);
            plain.decide(logits);

            var gate = gate(logits, settings, experts, rows, tokens);

            assertThat(gate.auxiliaryLoss()).isCloseTo(plain.auxiliary(logits), within(1e-6));
            var weights = plain.weights(logits);
            for (int i = 0; i < size; i++) {
                assertThat((double) gate.weights()[i]).isCloseTo(weights[i], within(1e-5));
            }
            var observation = gate.observation("module");
            assertThat(observation.chosen()).isEqualTo(plain.chosen());
            assertThat(observation.kept()).isEqualTo(plain.kept());
            assertThat(observation.tokens()).isEqualTo(Arrays.stream(rows).sum());
            assertThat(observation.entropySum()).isCloseTo(plain.entropy(logits), within(1e-3));
            var gradient = gate.backward(floats(slopes)).scores();
            var expected = plain.gradient(logits, slopes);
            for (int i = 0; i < size; i++) {
                assertThat((double) gradient[i]).isCloseTo(expected[i], within(2e-4 + 2e-4 * Math.abs(expected[i])));
            }
        }
    }

    @Test
    void ofEqualGatesTheLowerIndicesAreChosenAndNeverMoreThanK() {
        var rows = new Rows(Layout.rightPadded(3, 3), 1);
        var gates = new float[] {.2f, .2f, .2f, .2f, .2f, .1f, .4f, .1f, .4f, 0, 0, 0, 0, .5f, 0};
        assertThat(new Selection.TopK(2).choose(gates, null, 5, rows)).containsExactly(0, 1, 1, 3, 3, Selection.NONE);
    }

    @Test
    void evenLoadGivesTheSameBalancedLossWhateverExpertsAndKAre() {
        for (int experts : new int[] {2, 4, 8}) {
            for (int k = 1; k <= experts; k++) {
                // As many tokens as experts; token t prefers expert t, t + 1 and so on.
                var logits = new double[experts * experts];
                for (int token = 0; token < experts; token++) {
                    for (int e = 0; e < experts; e++) {
                        logits[token * experts + e] = Math.floorMod(token - e, experts);
                    }
                }
                int[] rows = {experts};
                for (var scale : LoadBalanceLoss.Scale.values()) {
                    for (var scope : LoadBalanceLoss.Scope.values()) {
                        var settings = new Gating(
                                Activation.SOFTMAX,
                                ExpertDropout.NONE,
                                new Selection.TopK(k),
                                false,
                                ExpertCapacity.UNLIMITED,
                                List.of(new LoadBalanceLoss(12 * .1, scale, scope)));
                        double value =
                                gate(logits, settings, experts, rows, experts).auxiliaryLoss();
                        double even =
                                switch (scale) {
                                    case MEAN -> (double) k / experts / experts;
                                    case BY_SELECTION -> 1;
                                    case BY_TOKEN -> k;
                                };
                        assertThat(value).isCloseTo(.1 * even, within(1e-6));
                    }
                }
            }
        }
    }

    @Test
    void evaluationHasNoLimitUnlessAsked() {
        var choices = new int[] {0, 0, 0, 0};
        var evaluation = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(4, 4));
        var rows = new Rows(evaluation.layout(), 1);
        assertThat(new ExpertCapacity(Optional.of(.5), false).limit(choices, 1, 2, rows, evaluation))
                .containsExactly(0, 0, 0, 0);
        assertThat(new ExpertCapacity(Optional.of(.5), true).limit(choices, 1, 2, rows, evaluation))
                .containsExactly(0, Selection.NONE, Selection.NONE, Selection.NONE);
    }

    private static LoadBalanceLoss load(double coefficient, boolean balanced) {
        return new LoadBalanceLoss(
                coefficient,
                balanced ? LoadBalanceLoss.Scale.BY_SELECTION : LoadBalanceLoss.Scale.MEAN,
                LoadBalanceLoss.Scope.SEQUENCE);
    }

    private static Gates gate(double[] logits, Gating settings, int experts, int[] rows, int tokens) {
        var probabilities = new float[logits.length];
        for (int token = 0; token < logits.length / experts; token++) {
            var p = PlainGate.softmax(logits, token * experts, experts);
            for (int e = 0; e < experts; e++) {
                probabilities[token * experts + e] = (float) p[e];
            }
        }
        var input = new Gates.Input(experts, floats(logits), probabilities, null, null, 1);
        return new Gates(input, settings, 3, context(rows, tokens, Tape.inference()));
    }

    private static ForwardContext context(int[] lengths, int tokens, Tape tape) {
        var training = new ForwardContext.Training(RandomStream.of(1), new long[lengths.length], 4);
        return ForwardContext.training(tape, Layout.rightPadded(tokens, lengths), training);
    }

    private static float[] floats(double[] values) {
        var floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    private static double[] values(Random random, int size) {
        // Rounded to fp32, so that both sides see the same numbers.
        return IntStream.range(0, size)
                .mapToDouble(i -> (float) random.nextGaussian())
                .toArray();
    }
}
