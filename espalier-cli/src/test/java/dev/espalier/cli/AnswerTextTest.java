package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.train.Answer;
import dev.espalier.train.Answer.Scored;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerTextTest {
    private static final List<Scored> SCORED =
            List.of(new Scored("a", 0.5), new Scored("b", 0.375), new Scored("c", 0.125));

    @Test
    void oneLabelOfSeveral() {
        assertThat(AnswerText.of(new Answer.Label(SCORED), 1, false)).isEqualTo("a\t0.5000");
        assertThat(AnswerText.of(new Answer.Label(SCORED), 2, false)).isEqualTo("a\t0.5000\tb\t0.3750");
        assertThat(AnswerText.of(new Answer.Label(SCORED), 1, true)).isEqualTo("{\"label\":\"a\",\"probability\":0.5}");
        assertThat(AnswerText.of(new Answer.Label(SCORED), 2, true))
                .isEqualTo(
                        "{\"labels\":[{\"label\":\"a\",\"probability\":0.5},{\"label\":\"b\",\"probability\":0.375}]}");
    }

    @Test
    void labelsThatApply() {
        assertThat(AnswerText.of(new Answer.Labels(SCORED), 1, false)).isEqualTo("a\t0.5000");
        assertThat(AnswerText.of(new Answer.Labels(SCORED), 1, true))
                .isEqualTo("{\"labels\":[{\"label\":\"a\",\"probability\":0.5}]}");
    }

    @Test
    void aNumber() {
        assertThat(AnswerText.of(new Answer.Value(3.25), 1, false)).isEqualTo("3.25");
        assertThat(AnswerText.of(new Answer.Value(3.25), 1, true)).isEqualTo("{\"value\":3.25}");
    }

    @Test
    void aLabelForEachWord() {
        var words = new Answer.Words(List.of(new Scored("O", 1), new Scored("B-PER", 0.75)));

        assertThat(AnswerText.of(words, 1, false)).isEqualTo("O B-PER\t1.0000 0.7500");
        assertThat(AnswerText.of(words, 1, true))
                .isEqualTo(
                        "{\"words\":[{\"label\":\"O\",\"probability\":1.0},{\"label\":\"B-PER\",\"probability\":0.75}]}");
    }
}
