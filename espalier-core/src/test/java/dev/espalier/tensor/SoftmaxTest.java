package dev.espalier.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.OnEngine;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against a loop in fp64, with scores that need the shift by the largest and with such that don't. */
@ExtendWith(OnEngine.class)
class SoftmaxTest {
    private static final int ROWS = 260;
    private static final int COLUMNS = 64;

    /** Scores of about {@code spread} to both sides, all moved by {@code shift}, as numbers of {@code dtype}. */
    private static Tensor scores(ScalarType dtype, double spread, double shift) {
        var values = new float[ROWS * COLUMNS];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (spread * Math.sin(i * 1.7) + shift);
        }
        return FloatArrays.tensor(values, ROWS, COLUMNS).to(dtype);
    }

    private static double[] expected(float[] scores) {
        var probabilities = new double[scores.length];
        for (int row = 0; row < scores.length; row += COLUMNS) {
            double most = Double.NEGATIVE_INFINITY;
            for (int i = row; i < row + COLUMNS; i++) {
                most = Math.max(most, scores[i]);
            }
            double sum = 0;
            for (int i = row; i < row + COLUMNS; i++) {
                probabilities[i] = Math.exp(scores[i] - most);
                sum += probabilities[i];
            }
            for (int i = row; i < row + COLUMNS; i++) {
                probabilities[i] /= sum;
            }
        }
        return probabilities;
    }

    private static void assertSoftmax(Tensor actual, double[] expected, double relative) {
        var values = FloatArrays.of(actual.to(ScalarType.Float));
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) values[i]).isCloseTo(expected[i], within(relative * expected[i] + 1e-30));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "Float, 5, 0, 1, 2e-6",
        "Float, 5, -20, 1, 2e-6",
        "Float, 5, 200, 2, 1e-5",
        "Float, 5, -200, 2, 1e-5",
        "Float, 300, 0, 2, 1e-5",
        "Double, 5, 0, 1, 2e-6",
        "BFloat16, 5, 0, 1, 1.2e-2",
        "BFloat16, 5, 200, 2, 1.2e-2",
    })
    void isTheSoftmaxOfAnyScores(ScalarType dtype, double spread, double shift, int calls, double relative) {
        var scores = scores(dtype, spread, shift);
        var asked = new AtomicInteger();
        var probabilities = new Softmax().of(() -> {
            asked.incrementAndGet();
            return scores.clone();
        });
        assertSoftmax(probabilities, expected(FloatArrays.of(scores.to(ScalarType.Float))), relative);
        assertThat(asked).hasValue(calls);
    }

    @Test
    void onceScoresNeededTheShiftTheNextOnesGetItAtOnce() {
        var softmax = new Softmax();
        softmax.of(() -> scores(ScalarType.Float, 5, 200));
        var asked = new AtomicInteger();
        var scores = scores(ScalarType.Float, 5, 0);
        var probabilities = softmax.of(() -> {
            asked.incrementAndGet();
            return scores.clone();
        });
        assertSoftmax(probabilities, expected(FloatArrays.of(scores)), 1e-5);
        assertThat(asked).hasValue(1);
    }

    @Test
    void whatIsHiddenGetsNothingAndARowOfNothingElseIsEven() {
        var scores = scores(ScalarType.Float, 5, 0);
        scores.narrow(1, 40, 24).fill_(new org.bytedeco.pytorch.Scalar(-1e30));
        var probabilities = new Softmax().of(scores::clone);
        assertThat(probabilities.narrow(1, 40, 24).abs().max().item_float()).isZero();
        scores.narrow(0, 3, 1).fill_(new org.bytedeco.pytorch.Scalar(-1e30));
        var even = new Softmax().of(scores::clone).narrow(0, 3, 1);
        assertThat(even.max().item_float()).isEqualTo(1f / COLUMNS);
        assertThat(even.min().item_float()).isEqualTo(1f / COLUMNS);
    }

    @Test
    void whatIsNoNumberIsNotHidden() {
        var scores = scores(ScalarType.Float, 5, 0);
        scores.narrow(0, 7, 1).fill_(new org.bytedeco.pytorch.Scalar(Double.NaN));
        var probabilities = new Softmax().of(scores::clone);
        assertThat(torch.isnan(probabilities).any().item_bool()).isTrue();
        assertThat(torch.isnan(probabilities.narrow(0, 0, 7)).any().item_bool()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"Float, 1e-5", "BFloat16, 4e-2"})
    void theGradientIsThatOfTheFormula(ScalarType dtype, double tolerance) {
        var p = new Softmax().of(() -> scores(dtype, 2, 0));
        var d = scores(dtype, 1, 0.3);
        var probabilities = FloatArrays.of(p.to(ScalarType.Float));
        var slopes = FloatArrays.of(d.to(ScalarType.Float));
        var actual = FloatArrays.of(Softmax.backward(d, p).to(ScalarType.Float));
        for (int row = 0; row < probabilities.length; row += COLUMNS) {
            double mean = 0;
            for (int i = row; i < row + COLUMNS; i++) {
                mean += (double) probabilities[i] * slopes[i];
            }
            for (int i = row; i < row + COLUMNS; i++) {
                double expected = probabilities[i] * (slopes[i] - mean);
                assertThat((double) actual[i]).isCloseTo(expected, within(tolerance * probabilities[i] + 1e-9));
            }
        }
    }
}
