package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.RandomStream;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is kept by magnitude, against a sort in the test. */
@ExtendWith(OnEngine.class)
class ThresholdSearchTest {
    /** Numbers of few different magnitudes, so that there are many ties, zeros among them. */
    private static float[] rough(int count) {
        var values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) Math.rint(8 * (RandomStream.of(3).at(i).uniform() - .5)) / 4;
        }
        return values;
    }

    private static float[] smooth(int count) {
        var values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (RandomStream.of(4).at(i).uniform() - .5) * (i % 7 == 0 ? 1e-6f : 1);
        }
        return values;
    }

    /** Zeros for all but ranks from {@code from} to {@code to} by magnitude, the first of equals before the others. */
    private static float[] sorted(float[] values, int from, int to) {
        var order = IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -Math.abs(values[i])))
                .toList();
        var kept = new float[values.length];
        order.subList(from, to).forEach(i -> kept[i] = values[i]);
        return kept;
    }

    @ParameterizedTest
    @CsvSource({"0, .2", "0, 1", "0.01, .85", "0.3, .3", "0, .0001"})
    void ofOneTensor(double drop, double keep) {
        for (var values : List.of(rough(1000), smooth(100_003))) {
            int n = values.length;
            var trim = trim(new Sparsifier.Magnitude(drop, keep, Granularity.TENSOR), Map.of());
            int dropped = (int) (drop * n);
            int end = Math.min(n, dropped + (int) (keep * n));
            var kept = trim.apply("w", FloatArrays.tensor(values, n));
            assertThat(FloatArrays.of(kept)).isEqualTo(drop == 0 && keep == 1 ? values : sorted(values, dropped, end));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, .2", "0.1, .5"})
    void ofRows(double drop, double keep) {
        var values = rough(40 * 25);
        var trim = trim(new Sparsifier.Magnitude(drop, keep, Granularity.ROW), Map.of());
        var kept = FloatArrays.of(trim.apply("w", FloatArrays.tensor(values, 40, 25)));
        for (int row = 0; row < 40; row++) {
            var own = Arrays.copyOfRange(values, row * 25, row * 25 + 25);
            int dropped = (int) (drop * 25);
            assertThat(Arrays.copyOfRange(kept, row * 25, row * 25 + 25))
                    .isEqualTo(sorted(own, dropped, dropped + (int) (keep * 25)));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, .2", "0.05, .5"})
    void overAllWeightsOfAnAdapter(double drop, double keep) {
        var values = rough(900);
        var weights = Map.of(
                "a.weight", FloatArrays.tensor(Arrays.copyOfRange(values, 0, 600), 20, 30),
                "b.weight", FloatArrays.tensor(Arrays.copyOfRange(values, 600, 900), 300));
        var trim = trim(new Sparsifier.Magnitude(drop, keep, Granularity.GLOBAL), weights);
        int dropped = (int) (drop * 900);
        var expected = sorted(values, dropped, dropped + (int) (keep * 900));
        // Asked for in another order, and twice.
        for (int i = 0; i < 2; i++) {
            assertThat(FloatArrays.of(trim.apply("b.weight", weight(weights, "b.weight"))))
                    .isEqualTo(Arrays.copyOfRange(expected, 600, 900));
            assertThat(FloatArrays.of(trim.apply("a.weight", weight(weights, "a.weight"))))
                    .isEqualTo(Arrays.copyOfRange(expected, 0, 600));
        }
    }

    private static Tensor weight(Map<String, Tensor> weights, String name) {
        return Objects.requireNonNull(weights.get(name));
    }

    private static Trim trim(Sparsifier sparsifier, Map<String, Tensor> weights) {
        return Trim.of(
                sparsifier, MemoryDeltas.dense("mine", weights), List.of("a.weight", "b.weight"), RandomStream.of(1));
    }

    @Test
    void randomSharesAreMetAndRescaled() {
        var ones = FloatArrays.tensor(filled(500 * 400), 500, 400);
        var kept = trim(new Sparsifier.Random(.3, true), Map.of()).apply("w", ones);
        assertThat(kept.gt(new Scalar(0.0)).to(ScalarType.Float).mean().item_double())
                .isBetween(.29, .31);
        assertThat(kept.mean().item_double()).isBetween(.97, 1.03);
        var again = trim(new Sparsifier.Random(.3, true), Map.of()).apply("w", ones);
        assertThat(again.equal(kept)).isTrue();
        assertThat(trim(new Sparsifier.Random(.3, true), Map.of())
                        .apply("other", ones)
                        .equal(kept))
                .isFalse();
    }

    @Test
    void probabilitiesByRankAreMet() {
        int columns = 11;
        var values = new float[20_000 * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = 1 + i % columns;
        }
        var ranked = new Sparsifier.RankProbability(.5, .3, true);
        var kept = trim(ranked, Map.of()).apply("w", FloatArrays.tensor(values, 20_000, columns));
        var share =
                Fixtures.doubles(kept.ne(new Scalar(0.0)).to(ScalarType.Double).mean(0));
        var mean = Fixtures.doubles(kept.to(ScalarType.Double).mean(0));
        for (int i = 0; i < columns; i++) {
            assertThat(share[i]).isCloseTo(.2 + .6 * i / (columns - 1), within(.02));
            assertThat(mean[i] / (1 + i)).isCloseTo(1, within(.06));
        }
    }

    private static float[] filled(int count) {
        var values = new float[count];
        Arrays.fill(values, 1);
        return values;
    }
}
