package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Preconditioned gradients against plain loops: what was solved, multiplied back, is the gradient. */
class RiemannianPreconditionerTest {
    private static final int IN = 7;
    private static final int OUT = 5;
    private static final int RANK = 3;

    @ParameterizedTest(name = "{0} experts, shared A: {1}")
    @CsvSource({"1, false", "3, false", "3, true"})
    void theProductWithTheMetricGivesTheGradientBack(int experts, boolean shared) {
        double epsilon = .3;
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            int rows = (shared ? 1 : experts) * RANK;
            var a = new Parameter("a", random("a", rows, IN), true);
            var b = new Parameter("b", random("b", OUT, experts * RANK), true);
            var gradientA = random("ga", rows, IN);
            var gradientB = random("gb", OUT, experts * RANK);
            var other = random("other", 2, 2);
            var solvedA = gradientA.clone();
            var solvedB = gradientB.clone();
            var head = other.clone();

            new RiemannianPreconditioner(List.of(new LowRankPair(a, b, experts)), epsilon)
                    .apply(Map.of("a", solvedA, "b", solvedB, "head", head));

            var metricsOfB = metrics(FloatArrays.of(b.value().t().contiguous()), experts, OUT, epsilon, shared);
            var metricsOfA = metrics(FloatArrays.of(a.value()), shared ? 1 : experts, IN, epsilon, false);
            assertProduct(metricsOfB, solvedA, FloatArrays.of(gradientA), IN);
            assertProduct(
                    metricsOfA,
                    solvedB.t().contiguous(),
                    FloatArrays.of(gradientB.t().contiguous()),
                    OUT);
            assertThat(FloatArrays.of(head)).isEqualTo(FloatArrays.of(other));
        }
    }

    /**
     * {@code X Xᵀ + εI} of each expert's rows {@code X}.
     *
     * @param rows {@code [experts * rank, width]}
     * @param summed whether there is one for all experts, the sum
     */
    private static double[][][] metrics(float[] rows, int experts, int width, double epsilon, boolean summed) {
        var metrics = new double[summed ? 1 : experts][RANK][RANK];
        for (int e = 0; e < experts; e++) {
            for (int i = 0; i < RANK; i++) {
                for (int j = 0; j < RANK; j++) {
                    for (int k = 0; k < width; k++) {
                        metrics[summed ? 0 : e][i][j] +=
                                rows[(e * RANK + i) * width + k] * rows[(e * RANK + j) * width + k];
                    }
                }
            }
        }
        for (var metric : metrics) {
            for (int i = 0; i < RANK; i++) {
                metric[i][i] += epsilon;
            }
        }
        return metrics;
    }

    /** Metrics of fewer experts than there are, one, hold for all. */
    private static void assertProduct(double[][][] metrics, Tensor solved, float[] want, int width) {
        var got = FloatArrays.of(solved);
        for (int row = 0; row < want.length / width; row++) {
            var metric = metrics[Math.min(row / RANK, metrics.length - 1)];
            int first = row / RANK * RANK;
            for (int k = 0; k < width; k++) {
                double sum = 0;
                for (int j = 0; j < RANK; j++) {
                    sum += metric[row % RANK][j] * got[(first + j) * width + k];
                }
                assertThat(sum).isCloseTo(want[row * width + k], within(1e-4));
            }
        }
    }

    @Test
    void factorsOfZeroAndSmallEpsilonsLeaveNumbersFinite() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = new Parameter("a", random("a", RANK, IN).mul(new Scalar(1e3)), true);
            // Two columns are the same, so that what is to be inverted is singular but for epsilon.
            var column = random("b", OUT, 1);
            var b = new Parameter("b", column.repeat(1, RANK), true);
            var zero = new Parameter("zero", Initialiser.zeros(OUT, RANK), true);
            var given =
                    Map.of("a", random("ga", RANK, IN), "b", random("gb", OUT, RANK), "zero", random("gz", OUT, RANK));
            new RiemannianPreconditioner(List.of(new LowRankPair(a, b, 1)), 1e-6).apply(given);
            new RiemannianPreconditioner(List.of(new LowRankPair(a, zero, 1)), 1e-6).apply(given);
            given.forEach((name, gradient) ->
                    assertThat(gradient.isfinite().all().item_bool()).as(name).isTrue());
        }
    }

    /** A step changes the product of the factors the same way whichever basis of the rank they are written in. */
    @Test
    void aStepDoesNotDependOnTheBasis() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = random("a", RANK, IN);
            var b = random("b", OUT, RANK);
            var ofProduct = random("g", OUT, IN);
            var basis = random("basis", RANK, RANK);
            var inverse = torch.inverse(basis);
            var plain = change(a, b, ofProduct);
            var turned = change(torch.mm(basis, a), torch.mm(b, inverse), ofProduct);
            assertThat(turned.sub(plain).norm().item_double())
                    .isLessThan(1e-3 * plain.norm().item_double());
        }
    }

    /** How {@code BA} changes, to first order, by a step down the preconditioned gradients. */
    private static Tensor change(Tensor a, Tensor b, Tensor ofProduct) {
        var pair = new LowRankPair(new Parameter("a", a, true), new Parameter("b", b, true), 1);
        var gradientA = torch.mm(b.t(), ofProduct);
        var gradientB = torch.mm(ofProduct, a.t());
        new RiemannianPreconditioner(List.of(pair), 1e-12).apply(Map.of("a", gradientA, "b", gradientB));
        return torch.mm(gradientB, a).add(torch.mm(b, gradientA));
    }

    private static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(5).at(name), shape);
    }
}
