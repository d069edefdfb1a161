package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LogAxisTest {
    @Test
    void itHoldsItsValuesBetweenTicks() {
        var axis = LogAxis.around(304_536, 820_632);

        assertThat(axis.ticks()).extracting(axis::label).containsExactly("200 k", "500 k", "1 M");
        assertThat(axis.position(200_000)).isEqualTo(0, within(1e-12));
        assertThat(axis.position(1_000_000)).isEqualTo(1, within(1e-12));
        assertThat(axis.position(Math.sqrt(200_000.0 * 1_000_000))).isEqualTo(0.5, within(1e-12));
    }

    @Test
    void equalValuesAndTicksLieWithin() {
        var one = LogAxis.around(1000, 1000);
        assertThat(one.position(1000)).isBetween(0.0, 1.0);
        assertThat(one.ticks()).contains(1000.0).hasSize(2);

        var wide = LogAxis.around(1, 10);
        assertThat(wide.ticks()).containsExactly(1.0, 2.0, 5.0, 10.0);
    }

    @Test
    void overManyDecadesOnlyPowersOfTenAreLabelled() {
        var axis = LogAxis.around(30, 2e9);

        assertThat(axis.ticks())
                .extracting(axis::label)
                .containsExactly("100", "1 k", "10 k", "100 k", "1 M", "10 M", "100 M", "1 G");
    }
}
