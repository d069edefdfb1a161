package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class EstimateTest {
    @Test
    void theMeanOfSleepGainedHasThePublishedInterval() {
        // Student's own data (Biometrika 6, 1908): hours of sleep gained by the second drug.
        var gained = new double[] {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

        var estimate = Estimate.ofMean(gained);

        // R: t.test(subset(sleep, group == 2)$extra)
        assertThat(estimate.value()).isEqualTo(2.33, within(1e-12));
        assertThat(estimate.interval().low()).isEqualTo(0.8976775, within(1e-6));
        assertThat(estimate.interval().high()).isEqualTo(3.7623225, within(1e-6));
    }

    @Test
    void thePairedDifferenceOfStudentsDataHasThePublishedInterval() {
        var first = new double[] {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
        var second = new double[] {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

        var difference = Estimate.ofDifference(first, second);

        // R: t.test(sleep$extra[1:10], sleep$extra[11:20], paired = TRUE)
        assertThat(difference.value()).isEqualTo(-1.58, within(1e-12));
        assertThat(difference.interval().low()).isEqualTo(-2.4598858, within(1e-6));
        assertThat(difference.interval().high()).isEqualTo(-0.7001142, within(1e-6));
    }

    @Test
    void twoSeedsAreEnoughAndOneIsNot() {
        // The quantile with one degree of freedom is 12.7062.
        var two = Estimate.ofDifference(new double[] {0.8, 0.9}, new double[] {0.7, 0.6});
        assertThat(two.value()).isEqualTo(0.2, within(1e-12));
        assertThat(two.interval().high() - two.value()).isEqualTo(12.706205 * 0.1, within(1e-5));
        assertThat(two.isBounded()).isTrue();

        var one = Estimate.ofDifference(new double[] {0.8}, new double[] {0.7});
        assertThat(one.value()).isEqualTo(0.1, within(1e-12));
        assertThat(one.isBounded()).isFalse();
    }

    @Test
    void valuesWithoutTheirPairAreRefused() {
        assertThatThrownBy(() -> Estimate.ofDifference(new double[2], new double[3]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theDifferenceOfTwoProportionsIsNewcombes() {
        // Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10 (score).
        var difference = Estimate.ofSum(List.of(proportion(56, 70), proportion(48, 80)), 1, -1);

        assertThat(difference.value()).isEqualTo(0.2, within(1e-12));
        assertThat(difference.interval().low()).isEqualTo(0.0524, within(5e-5));
        assertThat(difference.interval().high()).isEqualTo(0.3339, within(5e-5));
    }

    @Test
    void theMeanOfEqualIntervalsIsNarrowerByTheRootOfTheirNumber() {
        var one = new Estimate(0.5, new Interval(0.4, 0.7));

        var mean = Estimate.ofSum(List.of(one, one, one, one), 0.25, 0.25, 0.25, 0.25);

        assertThat(mean.value()).isEqualTo(0.5, within(1e-12));
        assertThat(mean.interval().low()).isEqualTo(0.45, within(1e-12));
        assertThat(mean.interval().high()).isEqualTo(0.6, within(1e-12));
    }

    @Test
    void whatIsNotKnownOfAPartIsNotKnownOfTheSum() {
        var unknown = new Estimate(1, new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));

        var sum = Estimate.ofSum(List.of(proportion(1, 2), unknown), 0.5, 0.5);

        assertThat(sum.value()).isEqualTo(0.75, within(1e-12));
        assertThat(sum.isBounded()).isFalse();
    }

    @Test
    void intervalsAreCutAtWhatTheValueCanBe() {
        var fewSeeds = Estimate.ofMean(0.75, 0.875);
        assertThat(fewSeeds.interval().high()).isGreaterThan(1);
        assertThat(fewSeeds.within(Metric.ACCURACY.range()))
                .isEqualTo(new Estimate(0.8125, new Interval(fewSeeds.low(), 1)));
        assertThat(fewSeeds.within(Metric.MSE.range())).isEqualTo(fewSeeds);
        var oneSeed = Estimate.ofMean(0.75);
        assertThat(oneSeed.within(Metric.ACCURACY.range())).isEqualTo(oneSeed);
    }

    @Test
    void endsThatAreNotKnownAreTheValue() {
        var known = new Estimate(0.5, new Interval(0.4, 0.7));
        assertThat(known.low()).isEqualTo(0.4);
        assertThat(known.high()).isEqualTo(0.7);

        var unknown = new Estimate(0.5, new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
        assertThat(unknown.low()).isEqualTo(0.5);
        assertThat(unknown.high()).isEqualTo(0.5);
    }

    private static Estimate proportion(long successes, long trials) {
        return new Estimate(successes / (double) trials, Interval.wilson(successes, trials));
    }
}
