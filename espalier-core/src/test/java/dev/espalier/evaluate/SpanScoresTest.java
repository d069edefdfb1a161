package dev.espalier.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpanScoresTest {
    private static List<Span> spans(String tags) {
        return Span.of(List.of(tags.split(" ")));
    }

    @Test
    void iob2SpansBeginAtBAndRunOverI() {
        assertThat(spans("B-PER I-PER O B-LOC B-LOC I-LOC"))
                .containsExactly(new Span("PER", 0, 2), new Span("LOC", 3, 4), new Span("LOC", 4, 6));
    }

    @Test
    void iobesAndBilouMarkEndsAndSingles() {
        var expected = List.of(new Span("PER", 0, 3), new Span("LOC", 3, 4), new Span("LOC", 4, 6));
        assertThat(spans("B-PER I-PER E-PER S-LOC B-LOC E-LOC")).isEqualTo(expected);
        assertThat(spans("B-PER I-PER L-PER U-LOC B-LOC L-LOC")).isEqualTo(expected);
    }

    @Test
    void tagsThatCannotFollowOpenASpan() {
        assertThat(spans("I-PER I-PER O I-LOC")).containsExactly(new Span("PER", 0, 2), new Span("LOC", 3, 4));
        assertThat(spans("B-PER I-LOC")).containsExactly(new Span("PER", 0, 1), new Span("LOC", 1, 2));
        assertThat(spans("S-PER I-PER E-PER E-PER"))
                .containsExactly(new Span("PER", 0, 1), new Span("PER", 1, 3), new Span("PER", 3, 4));
    }

    @Test
    void runsOfAPlainTagAreOneSpan() {
        assertThat(spans("noun noun O verb B"))
                .containsExactly(new Span("noun", 0, 2), new Span("verb", 3, 4), new Span("B", 4, 5));
    }

    @Test
    void typesKeepTheirOwnHyphens() {
        assertThat(spans("B-work-of-art I-work-of-art")).containsExactly(new Span("work-of-art", 0, 2));
        assertThat(spans("X-ray X-ray")).containsExactly(new Span("X-ray", 0, 2));
    }

    @Test
    void onlySpansRightInTypeAndBordersCount() {
        var scores = SpanScores.of(
                List.of(List.of("B-PER", "I-PER", "O", "B-LOC"), List.of("O", "B-ORG", "I-ORG")),
                List.of(List.of("B-PER", "I-PER", "O", "B-ORG"), List.of("O", "B-ORG", "O")));
        // 1 of 3 predicted, 1 of 3 true; 5 of 7 words
        assertThat(scores.precision()).isCloseTo(1.0 / 3, within(1e-15));
        assertThat(scores.recall()).isCloseTo(1.0 / 3, within(1e-15));
        assertThat(scores.f1()).isCloseTo(1.0 / 3, within(1e-15));
        assertThat(scores.accuracy()).isCloseTo(5.0 / 7, within(1e-15));
    }

    @Test
    void precisionAndRecallDiffer() {
        var scores = SpanScores.of(
                List.of(List.of("B-A", "B-A", "O", "B-A", "B-A")), List.of(List.of("B-A", "O", "O", "O", "O")));
        assertThat(scores.precision()).isEqualTo(1);
        assertThat(scores.recall()).isEqualTo(0.25);
        assertThat(scores.f1()).isCloseTo(0.4, within(1e-15));
    }

    @Test
    void withoutSpansF1IsZeroAndWithoutWordsAccuracyIsNaN() {
        var none = SpanScores.of(List.of(List.of("O", "O")), List.of(List.of("O", "O")));
        assertThat(none).isEqualTo(new SpanScores(0, 0, 0, 1));
        var empty = SpanScores.of(List.of(), List.of());
        assertThat(empty.f1()).isZero();
        assertThat(empty.accuracy()).isNaN();
    }

    @Test
    void unequalLengthsAreRejected() {
        assertThatThrownBy(() -> SpanScores.of(List.of(List.of("O")), List.of(List.of("O", "O"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Sequence 0 has 1 words, but 2");
    }
}
