package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class MultiLabelScoresTest {
    @Test
    void countsDecisionsLabelsAndWholeSets() {
        // right/true/predicted: label 0 2/2/3, label 1 2/2/2, label 2 1/2/2, label 3 never
        var scores = MultiLabelScores.of(
                new boolean[][] {
                    {true, false, true, false},
                    {false, true, false, false},
                    {true, true, false, false},
                    {false, false, false, false},
                    {false, false, true, false},
                },
                new float[][] {
                    {0.9f, 0.1f, 0.2f, 0},
                    {0.1f, 0.5f, 0.2f, 0.49f},
                    {0.8f, 0.7f, 0.6f, 0},
                    {0, 0, 0, 0},
                    {0.9f, 0.4f, 0.5f, 0},
                });
        assertThat(scores.microF1()).isCloseTo(10.0 / 13, within(1e-15));
        assertThat(scores.macroF1()).isCloseTo((4.0 / 5 + 1 + 2.0 / 4) / 3, within(1e-15));
        assertThat(scores.subsetAccuracy()).isEqualTo(0.4);
        assertThat(scores.values())
                .containsEntry(Metric.MICRO_F1, scores.microF1())
                .containsEntry(Metric.MACRO_F1, scores.macroF1())
                .containsEntry(Metric.SUBSET_ACCURACY, 0.4);
    }

    @Test
    void examplesWithoutAnyLabelAreRightBySubsetOnly() {
        var scores = MultiLabelScores.of(new boolean[2][3], new float[2][3]);
        assertThat(scores).isEqualTo(new MultiLabelScores(0, 0, 1));
    }

    @Test
    void withoutExamplesNothingIsDefined() {
        assertThat(MultiLabelScores.of(new boolean[0][], new float[0][])
                        .values()
                        .values())
                .allMatch(value -> value.isNaN());
    }
}
