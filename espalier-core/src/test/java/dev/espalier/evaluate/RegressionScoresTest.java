package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RegressionScoresTest {
    private static final double[] TRUTH = {1, 2, 2, 3.5, 5, 4};
    private static final double[] PREDICTED = {1.2, 1.9, 2.5, 2.5, 4.8, 4.8};

    @Test
    void errorAndCorrelationFollowTheirDefinitions() {
        var scores = RegressionScores.of(TRUTH, PREDICTED);
        assertThat(scores.mse()).isCloseTo((0.04 + 0.01 + 0.25 + 1 + 0.04 + 0.64) / 6, within(1e-15));
        assertThat(scores.pearson()).isCloseTo(correlation(TRUTH, PREDICTED), within(1e-14));
    }

    @Test
    void tiedValuesShareTheMeanOfTheirRanks() {
        var ranked = correlation(new double[] {1, 2.5, 2.5, 4, 6, 5}, new double[] {1, 2, 3.5, 3.5, 5.5, 5.5});
        assertThat(RegressionScores.of(TRUTH, PREDICTED).spearman()).isCloseTo(ranked, within(1e-14));
    }

    @Test
    void aMonotoneCurveHasRankCorrelationOne() {
        var scores = RegressionScores.of(new double[] {1, 2, 3, 4}, new double[] {1, 10, 100, 1000});
        assertThat(scores.spearman()).isCloseTo(1, within(1e-14));
        assertThat(scores.pearson()).isLessThan(0.9);
    }

    @Test
    void constantsAndSinglesHaveAnErrorButNoCorrelation() {
        for (var scores : new RegressionScores[] {
            RegressionScores.of(new double[] {1, 2}, new double[] {3, 3}),
            RegressionScores.of(new double[] {1, 1}, new double[] {2, 3}),
            RegressionScores.of(new double[] {1}, new double[] {2}),
        }) {
            assertThat(scores.mse()).isPositive();
            assertThat(scores.pearson()).isNaN();
            assertThat(scores.spearman()).isNaN();
        }
    }

    @Test
    void predictionsThatAreNotNumbersScoreNaN() {
        var scores = RegressionScores.of(new double[] {1, 2, 3}, new double[] {1, Double.NaN, 3});
        assertThat(scores.values().values()).hasSize(3).allMatch(value -> value.isNaN());
    }

    @Test
    void withoutExamplesNothingIsDefined() {
        assertThat(RegressionScores.of(new double[0], new double[0]).values().values())
                .allMatch(value -> value.isNaN());
    }

    private static double correlation(double[] a, double[] b) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a.length; j++) { // differences of pairs need no means
                ab += (a[i] - a[j]) * (b[i] - b[j]);
                aa += (a[i] - a[j]) * (a[i] - a[j]);
                bb += (b[i] - b[j]) * (b[i] - b[j]);
            }
        }
        return ab / Math.sqrt(aa * bb);
    }
}
