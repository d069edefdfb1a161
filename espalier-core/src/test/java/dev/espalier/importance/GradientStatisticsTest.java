package dev.espalier.importance;

import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleBinaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GradientStatisticsTest {
    private final RandomStream random = RandomStream.of(5);
    private Scope scope = Scope.open();

    @BeforeEach
    void open() {
        Engine.load();
        scope.close();
        scope = Scope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    @ParameterizedTest
    @EnumSource(ElementScore.class)
    void sumsAndMeansOverSamplesAreThoseOfALoop(ElementScore score) {
        var matrix = parameter("matrix", 7, 5);
        var statistics = new GradientStatistics(List.of(matrix), EnumSet.allOf(ElementScore.class));
        double expected = 0;
        for (int sample = 0; sample < 3; sample++) {
            var gradient = values("gradient " + sample, 7, 5);
            statistics.add(matrix, gradient);
            statistics.endSample();
            expected += loop(score, doubles(matrix.value()), doubles(gradient));
        }

        assertThat(statistics.sum(matrix, score)).isCloseTo(expected, within(1e-5 * expected));
        assertThat(statistics.mean(matrix, score)).isCloseTo(expected / (3 * 35), within(1e-5 * expected));
        assertThat(statistics.samples()).isEqualTo(3);
    }

    @Test
    void gradientsInBf16AreReducedInFp32() {
        var matrix = parameter("matrix", 3, 1000);
        var gradient = values("gradient", 3, 1000).to(ScalarType.BFloat16);
        var statistics = new GradientStatistics(List.of(matrix), EnumSet.allOf(ElementScore.class));
        statistics.add(matrix, gradient);

        for (var score : ElementScore.values()) {
            double expected = loop(score, doubles(matrix.value()), doubles(gradient));
            assertThat(statistics.sum(matrix, score)).isCloseTo(expected, within(1e-5 * expected));
        }
    }

    @Test
    void gradientsOfOthersArePassedOver() {
        var matrix = parameter("matrix", 2, 2);
        var statistics = new GradientStatistics(List.of(matrix), Set.of(ElementScore.GRADIENT));

        statistics.add(parameter("other", 2, 2), values("gradient", 2, 2));

        assertThat(statistics.sum(matrix, ElementScore.GRADIENT)).isZero();
        assertThatThrownBy(() -> statistics.sum(matrix, ElementScore.PRODUCT))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aSecondGradientInOneSampleIsAFault() {
        var matrix = parameter("matrix", 2, 2);
        var statistics = new GradientStatistics(List.of(matrix), Set.of(ElementScore.SQUARED_GRADIENT));
        statistics.add(matrix, values("first", 2, 2));

        assertThatThrownBy(() -> statistics.add(matrix, values("second", 2, 2)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("matrix[2, 2] is used twice");
    }

    @Test
    void componentNormsAreThoseOfTheirOuterProducts() {
        var a = values("a", 3, 6);
        var b = values("b", 4, 3);
        var av = doubles(a);
        var bv = doubles(b);

        var norms = doubles(ComponentNorms.of(a, b));

        for (int k = 0; k < 3; k++) {
            double squares = 0;
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 6; j++) {
                    squares += Math.pow(bv[i * 3 + k] * av[k * 6 + j], 2);
                }
            }
            assertThat(norms[k]).isCloseTo(Math.sqrt(squares), within(1e-5));
        }
    }

    private static double loop(ElementScore score, double[] weights, double[] gradients) {
        DoubleBinaryOperator element =
                switch (score) {
                    case SQUARED_GRADIENT -> (w, g) -> g * g;
                    case GRADIENT -> (w, g) -> Math.abs(g);
                    case MAGNITUDE -> (w, g) -> Math.abs(w);
                    case PRODUCT -> (w, g) -> Math.abs(w * g);
                };
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            sum += element.applyAsDouble(weights[i], gradients[i]);
        }
        return sum;
    }

    private Parameter parameter(String name, long... shape) {
        return new Parameter(name, values(name, shape), false);
    }

    private Tensor values(String name, long... shape) {
        return Initialiser.normal(1, random.at(name), shape);
    }
}
