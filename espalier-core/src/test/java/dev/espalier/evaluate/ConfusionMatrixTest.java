package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class ConfusionMatrixTest {
    private static final List<String> LABELS = List.of("act", "animal", "artifact", "body", "food", "never seen");
    private static final int[] TRUTH = {0, 1, 2, 2, 1, 0, 4, 4, 2, 1, 0, 2};
    private static final int[] PREDICTED = {0, 2, 2, 2, 1, 0, 4, 1, 2, 1, 3, 2};
    private final ConfusionMatrix matrix = ConfusionMatrix.of(LABELS, TRUTH, PREDICTED);

    @Test
    void rowsAreTruthsAndColumnsPredictions() {
        assertThat(matrix.counts()).isDeepEqualTo(new long[][] {
            {2, 0, 0, 1, 0, 0},
            {0, 2, 1, 0, 0, 0},
            {0, 0, 4, 0, 0, 0},
            {0, 0, 0, 0, 0, 0},
            {0, 1, 0, 0, 1, 0},
            {0, 0, 0, 0, 0, 0},
        });
        assertThat(matrix.total()).isEqualTo(12);
        assertThat(matrix.correct()).isEqualTo(9);
        assertThat(matrix.accuracy()).isEqualTo(0.75);
    }

    @Test
    void macroF1CountsLabelsThatOccurAsTruthOrPredictionOnly() {
        // 4/5 act, 2/3 animal, 8/9 artifact, 0 body (only predicted), 2/3 food; "never seen" does not count
        assertThat(matrix.macroF1()).isCloseTo(136.0 / 225, within(1e-15));
    }

    @Test
    void matthewsIsTheCorrelationOfOneHotLabels() {
        assertThat(matrix.matthews()).isCloseTo(oneHotCorrelation(TRUTH, PREDICTED), within(1e-14));
        assertThat(matrix.matthews()).isCloseTo(0.6762211445115202, within(1e-14));
    }

    private static double oneHotCorrelation(int[] a, int[] b) {
        return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
    }

    private static double product(int[] a, int[] b) {
        double sum = 0;
        for (int label = 0; label < LABELS.size(); label++) {
            for (int i = 0; i < a.length; i++) {
                sum += centred(a, label, i) * centred(b, label, i);
            }
        }
        return sum;
    }

    private static double centred(int[] labels, int label, int example) {
        double share = 0;
        for (int other : labels) {
            share += other == label ? 1.0 / labels.length : 0;
        }
        return (labels[example] == label ? 1 : 0) - share;
    }

    @Test
    void oneClassAloneIsPerfectButCorrelatesWithNothing() {
        var one = ConfusionMatrix.of(LABELS, new int[] {3, 3}, new int[] {3, 3});
        assertThat(one.accuracy()).isEqualTo(1);
        assertThat(one.macroF1()).isEqualTo(1);
        assertThat(one.matthews()).isZero();
    }

    @Test
    void allPredictionsOfOneLabelCorrelateWithNothing() {
        var constant = ConfusionMatrix.of(LABELS, new int[] {0, 1, 1}, new int[] {1, 1, 1});
        assertThat(constant.matthews()).isZero();
        assertThat(constant.macroF1()).isCloseTo(0.4, within(1e-15));
    }

    @Test
    void largeSetsDoNotOverflow() {
        var truth = new int[200_000];
        var predicted = new int[200_000];
        for (int i = 0; i < truth.length; i++) {
            truth[i] = i % 2;
            predicted[i] = i % 2;
        }
        assertThat(ConfusionMatrix.of(LABELS, truth, predicted).matthews()).isCloseTo(1, within(1e-12));
    }

    @Test
    void withoutExamplesNothingIsDefined() {
        var empty = ConfusionMatrix.of(LABELS, new int[0], new int[0]);
        assertThat(empty.values().values()).hasSize(3).allMatch(value -> value.isNaN());
        assertThat(empty.accuracyInterval()).isEqualTo(new Interval(0, 1));
    }

    @Test
    void theCountsAreACopy() {
        matrix.counts()[0][0] = 99;
        assertThat(matrix.counts()[0][0]).isEqualTo(2);
    }

    @Test
    void unequalLengthsAreRejected() {
        assertThatThrownBy(() -> ConfusionMatrix.of(LABELS, new int[2], new int[3]))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
