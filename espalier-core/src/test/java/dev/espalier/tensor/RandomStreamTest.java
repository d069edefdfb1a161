package dev.espalier.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The oracle draws one number at a time, as the definition says it; runs are repeated only while it holds. */
class RandomStreamTest {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final float[] GOLDEN_DRAWS = {1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1};
    private static final long[] SEQUENCES = {7, -3, 1L << 40};
    private static final RandomStream RANDOM = RandomStream.of(5).at(2).at("encoder.layer.0");

    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.5, 0.999, 1e-6, 1})
    void tokenMasksAreWhatTheDefinitionDraws(double p) {
        for (int features : new int[] {1, 4, 6, 15, 32, 64, 66, 1031}) {
            for (var layout : layouts()) {
                var expected = ones(layout.rows() * layout.tokens() * features);
                for (int i = 0; i < SEQUENCES.length; i++) {
                    var segment = layout.segments().get(i);
                    long base = sequence(i);
                    for (int token = 0; token < segment.length(); token++) {
                        int first = (layout.first(segment) + token) * features;
                        draw(expected, first, features, at(base, token), p);
                    }
                }
                assertMask(expected, dtype -> RANDOM.keepMask(p, SEQUENCES, layout, features, dtype));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.5})
    void attentionMasksAreWhatTheDefinitionDraws(double p) {
        int heads = 3;
        for (var layout : layouts()) {
            int tokens = layout.tokens();
            var expected = ones(layout.rows() * heads * tokens * tokens);
            for (int i = 0; i < SEQUENCES.length; i++) {
                var segment = layout.segments().get(i);
                for (int head = 0; head < heads; head++) {
                    for (int query = 0; query < segment.length(); query++) {
                        int row = (segment.row() * heads + head) * tokens + segment.start() + query;
                        int first = row * tokens + segment.start();
                        draw(expected, first, segment.length(), at(at(sequence(i), head), query), p);
                    }
                }
            }
            assertMask(expected, dtype -> RANDOM.attentionKeepMask(p, SEQUENCES, layout, tokens, heads, dtype));
        }
    }

    @Test
    void drawsStayTheSameFromVersionToVersion() {
        try (var scope = Scope.open()) {
            var mask = RANDOM.keepMask(0.5, new long[] {7}, Layout.rightPadded(2, 2), 10, ScalarType.Float);
            assertThat(numbers(mask)).containsExactly(GOLDEN_DRAWS);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Float", "BFloat16", "Half"})
    void masksHaveTheDtypeAskedFor(ScalarType dtype) {
        try (var scope = Scope.open()) {
            var mask = RANDOM.keepMask(0.5, new long[] {7}, Layout.rightPadded(2, 1), 10, dtype);
            assertThat(Engine.dtype(mask)).isEqualTo(dtype);
            assertThat(mask.shape()).containsExactly(2, 10);
        }
    }

    private static Layout[] layouts() {
        return new Layout[] {
            Layout.rightPadded(9, 9, 1, 6),
            Layout.leftPadded(9, 9, 1, 6),
            new Layout(
                    2,
                    9,
                    List.of(new Layout.Segment(0, 0, 3), new Layout.Segment(0, 3, 5), new Layout.Segment(1, 1, 8)))
        };
    }

    private interface Masks {
        Tensor draw(ScalarType dtype);
    }

    private static void assertMask(float[] expected, Masks masks) {
        try (var scope = Scope.open()) {
            assertThat(numbers(masks.draw(ScalarType.Float))).containsExactly(expected);
            assertThat(numbers(masks.draw(ScalarType.BFloat16))).containsExactly(expected);
        }
    }

    private static float[] numbers(Tensor mask) {
        var values = new float[Math.toIntExact(mask.numel())];
        new FloatPointer(mask.to(ScalarType.Float).data_ptr()).get(values);
        return values;
    }

    private static float[] ones(int size) {
        var ones = new float[size];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static void draw(float[] mask, int first, int count, long base, double p) {
        for (int i = 0; i < count; i++) {
            long bits = mix(base + i / 4 * GOLDEN) >>> 16 * (i % 4) & 0xFFFF;
            mask[first + i] = bits < Math.round(p * 65536) ? 0 : 1;
        }
    }

    private static long sequence(int index) {
        return mix(RANDOM.seed() ^ mix(SEQUENCES[index] + GOLDEN));
    }

    private static long at(long base, int position) {
        return mix(base + (position + 1) * GOLDEN);
    }

    private static long mix(long z) {
        long y = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        y = (y ^ (y >>> 27)) * 0x94D049BB133111EBL;
        return y ^ (y >>> 31);
    }
}
