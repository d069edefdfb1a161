package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class IntervalTest {
    private static final double Z = 1.959963984540054;

    @Test
    void wilsonsBordersSolveItsEquation() {
        var interval = Interval.wilson(382, 500);
        for (var border : new double[] {interval.low(), interval.high()}) {
            // the observed share lies z standard errors, of the border's own binomial, from the border
            var error = Math.sqrt(border * (1 - border) / 500);
            assertThat(Math.abs(382 / 500.0 - border) / error).isCloseTo(Z, within(1e-9));
        }
        assertThat(interval.low()).isCloseTo(0.72486, within(1e-5));
        assertThat(interval.high()).isCloseTo(0.79912, within(1e-5));
    }

    @Test
    void wilsonStaysBetweenZeroAndOne() {
        assertThat(Interval.wilson(0, 10).low()).isNotNegative().isCloseTo(0, within(1e-12));
        assertThat(Interval.wilson(0, 10).high()).isCloseTo(Z * Z / (10 + Z * Z), within(1e-9));
        assertThat(Interval.wilson(10, 10).low()).isCloseTo(10 / (10 + Z * Z), within(1e-9));
        assertThat(Interval.wilson(10, 10).high()).isLessThanOrEqualTo(1).isCloseTo(1, within(1e-12));
        assertThat(Interval.wilson(0, 0)).isEqualTo(new Interval(0, 1));
    }

    @Test
    void aMeanOfThreeSeedsUsesStudentsQuantileOfTwoDegrees() {
        var interval = Interval.ofMean(0.764, 0.752, 0.771);
        var half = 4.302652729911275 * Math.sqrt(0.000184666666666667 / 2 / 3);
        assertThat(interval.low()).isCloseTo(0.762333333333333 - half, within(1e-9));
        assertThat(interval.high()).isCloseTo(0.762333333333333 + half, within(1e-9));
    }

    @Test
    void equalValuesHaveNoWidthAndOneValueHasNoBorders() {
        assertThat(Interval.ofMean(0.5, 0.5)).isEqualTo(new Interval(0.5, 0.5));
        assertThat(Interval.ofMean(0.5)).isEqualTo(new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
    }

    @Test
    void theRatioOfSumsOverCountsOfOneIsTheMean() {
        double[] values = {1, 2, 4, 8};
        var mean = Interval.ofMean(values);
        var ratio = Interval.ofRatio(values, new double[] {1, 1, 1, 1});
        assertThat(ratio.low()).isCloseTo(mean.low(), within(1e-12));
        assertThat(ratio.high()).isCloseTo(mean.high(), within(1e-12));
    }

    @Test
    void aRatioThatEveryExampleHasIsCertain() {
        var ratio = Interval.ofRatio(new double[] {2, 6, 20}, new double[] {1, 3, 10});
        assertThat(ratio).isEqualTo(new Interval(2, 2));
        assertThat(Interval.ofRatio(new double[] {2}, new double[] {1}).high()).isInfinite();
    }
}
