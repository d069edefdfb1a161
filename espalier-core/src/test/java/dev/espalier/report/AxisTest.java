package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AxisTest {
    @Test
    void ticksAreRoundNumbersAroundTheValues() {
        var axis = Axis.around(0.317, 0.794, 5);
        assertThat(axis.ticks().stream().map(axis::label)).containsExactly("0.3", "0.4", "0.5", "0.6", "0.7", "0.8");
        assertThat(axis.position(0.3)).isCloseTo(0, within(1e-12));
        assertThat(axis.position(0.8)).isCloseTo(1, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({"0, 1e-6", "-3, 7", "1e4, 3e6", "0.99, 1", "5, 5", "0, 0", "-2, -2"})
    void everyRangeLiesWithinItsTicks(double low, double high) {
        var axis = Axis.around(low, high, 5);
        assertThat(axis.low()).isLessThanOrEqualTo(low);
        assertThat(axis.high()).isGreaterThanOrEqualTo(high).isGreaterThan(axis.low());
        assertThat(axis.ticks()).hasSizeBetween(3, 12).doesNotHaveDuplicates();
        assertThat(axis.ticks().stream().map(axis::label)).doesNotHaveDuplicates();
    }

    @Test
    void aStepAxisEndsAtTheLastStep() {
        var axis = Axis.upTo(375, 6);
        assertThat(axis.ticks().stream().map(axis::label))
                .containsExactly("0", "50", "100", "150", "200", "250", "300", "350");
        assertThat(axis.position(375)).isEqualTo(1);
    }

    @Test
    void aRunOfNoStepsStillHasAnAxis() {
        assertThat(Axis.upTo(0, 6).position(0)).isZero();
    }

    @Test
    void whatIsAlwaysZeroHasAnAxisFromZero() {
        var axis = Axis.around(0, 0, 5);
        assertThat(axis.low()).isZero();
        assertThat(axis.high()).isEqualTo(1);
    }
}
