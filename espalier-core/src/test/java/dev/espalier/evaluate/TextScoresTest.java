package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class TextScoresTest {
    private static double exactMatch(String truth, String generated) {
        return TextScores.of(List.of(truth), List.of(generated)).exactMatch();
    }

    @Test
    void bothAreMeansOverExamples() {
        var scores = TextScores.of(List.of("a b", "c d", "e f", "g"), List.of("a b", "c x", "y z", "G"));
        assertThat(scores.exactMatch()).isEqualTo(0.25);
        assertThat(scores.rougeL()).isEqualTo((1 + 0.5 + 0 + 1) / 4);
        assertThat(scores.values()).containsOnlyKeys(Metric.EXACT_MATCH, Metric.ROUGE_L);
    }

    @Test
    void spaceAndTheWayAnAccentIsWrittenDoNotCount() {
        assertThat(exactMatch("two words", "  two\n\u00a0words ")).isEqualTo(1);
        assertThat(exactMatch("caf\u00e9", "cafe\u0301")).isEqualTo(1);
    }

    @Test
    void caseAndPunctuationCount() {
        assertThat(exactMatch("Yes", "yes")).isZero();
        assertThat(exactMatch("42", "42.")).isZero();
    }

    @Test
    void withoutExamplesTheyAreNaN() {
        var scores = TextScores.of(List.of(), List.of());
        assertThat(scores.exactMatch()).isNaN();
        assertThat(scores.rougeL()).isNaN();
    }

    @Test
    void eachReferenceNeedsAnAnswer() {
        assertThatThrownBy(() -> TextScores.of(List.of("a"), List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
