package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.report.Series.Look;
import dev.espalier.report.Series.Point;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SeriesTest {
    private static Series series(int points, IntToDoubleFunction value) {
        return new Series(
                "run",
                0,
                Look.FAINT,
                IntStream.range(0, points)
                        .mapToObj(i -> new Point(i, value.applyAsDouble(i)))
                        .toList());
    }

    @Test
    void smoothingKeepsAConstantFromTheFirstPointOn() {
        assertThat(series(200, i -> 2.5).smoothed().points()).hasSize(200).allSatisfy(point -> assertThat(point.y())
                .isCloseTo(2.5, within(1e-12)));
    }

    @Test
    void smoothingCalmsAnAlternatingCurve() {
        var smooth = series(200, i -> i % 2).smoothed().points();
        assertThat(smooth.subList(50, 200)).allMatch(point -> Math.abs(point.y() - 0.5) < 0.08);
    }

    @Test
    void aShortCurveIsLeftAsItIs() {
        assertThat(series(10, i -> i * i).smoothed().points())
                .isEqualTo(series(10, i -> i * i).points());
    }

    @Test
    void aLongCurveIsThinnedButEndsWhereItEnded() {
        var thin = series(10_001, i -> i).thinned().points();
        assertThat(thin).hasSizeBetween(400, 800);
        assertThat(thin.get(thin.size() - 1)).isEqualTo(new Point(10_000, 10_000));
        assertThat(series(800, i -> i).thinned().points()).hasSize(800);
    }

    @Test
    void pointsThatAreNoNumbersAreLeftOut() {
        var points = List.of(new Point(1, Double.NaN), new Point(2, 3), new Point(3, Double.POSITIVE_INFINITY));
        assertThat(new Series("run", 0, Look.LINE, points).points()).containsExactly(new Point(2, 3));
    }
}
