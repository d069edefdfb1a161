package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Cuts to a rank, against the exact decomposition in double precision. */
@ExtendWith(OnEngine.class)
class LowRankApproximationTest {
    /** What the best cut leaves out. */
    private static double best(Tensor matrix, int rank) {
        var values = torch.linalg_svdvals(matrix.to(ScalarType.Double));
        double left = values.narrow(0, rank, values.size(0) - rank).norm().item_double();
        return left / values.norm().item_double();
    }

    /** Large enough for the randomised way: a slowly falling spectrum, as merges by TIES have it, is the hard case. */
    @ParameterizedTest
    @CsvSource({"300, 400, 16, 0", "400, 290, 8, 0", "300, 350, 16, 5"})
    void isAsGoodAsTheExactCut(int rows, int columns, int rank, int signal) {
        var random = RandomStream.of(2);
        var matrix = Initialiser.normal(1, random.at("noise"), rows, columns);
        if (signal > 0) {
            matrix.add_(Initialiser.normal(1, random.at("B"), rows, signal)
                    .mm(Initialiser.normal(1, random.at("A"), signal, columns)));
        }
        var cut = LowRankApproximation.of(new WeightDelta.Dense(matrix), rank);
        double error = matrix.sub(cut.factors().dense()).norm().item_double()
                / matrix.norm().item_double();
        assertThat(cut.relativeError()).isCloseTo(error, within(1e-5));
        assertThat(error).isBetween(best(matrix, rank) - 1e-6, best(matrix, rank) * 1.005);
        var again = LowRankApproximation.of(new WeightDelta.Dense(matrix), rank);
        assertThat(again.factors().a().equal(cut.factors().a())).isTrue();
    }

    @Test
    void factorsAreCutWithoutTheirProduct() {
        var random = RandomStream.of(2);
        var factors = new WeightDelta.LowRank(
                Initialiser.normal(1, random.at("B"), 50, 12), Initialiser.normal(1, random.at("A"), 12, 40), .7);
        var cut = LowRankApproximation.of(factors, 5);
        var exact = LowRankApproximation.of(new WeightDelta.Dense(factors.dense()), 5);
        Fixtures.assertClose("cut", cut.factors().dense(), exact.factors().dense(), 1e-4, 1e-4);
        assertThat(cut.relativeError()).isCloseTo(best(factors.dense(), 5), within(1e-5));
        assertThat(LowRankApproximation.of(factors, 12).relativeError()).isLessThan(1e-6);
    }

    @Test
    void missingRanksAreZeros() {
        var factors = new WeightDelta.LowRank(
                Initialiser.normal(1, RandomStream.of(1), 50, 2), Initialiser.normal(1, RandomStream.of(2), 2, 40), 1);
        var cut = LowRankApproximation.of(factors, 6);
        assertThat(cut.factors().rank()).isEqualTo(6);
        assertThat(cut.factors().b().narrow(1, 2, 4).abs().max().item_double()).isZero();
        Fixtures.assertClose("whole", cut.factors().dense(), factors.dense(), 1e-4, 1e-5);
    }

    @Test
    void nothingHasNoError() {
        var nothing = new WeightDelta.Dense(torch.zeros(new long[] {300, 300}, Engine.options(ScalarType.Float)));
        var cut = LowRankApproximation.of(nothing, 4);
        assertThat(cut.relativeError()).isZero();
        assertThat(cut.factors().dense().ne(new Scalar(0.0)).any().item_bool()).isFalse();
    }
}
