package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.data.Input;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdaptedModelTest {
    private static final String SENTENCE = "play some jazz from 1998 on the kitchen speaker please";

    @TempDir
    Path folder;

    private AdaptedModel trained(TaskData... tasks) {
        var training = Training.of(TinyModel.in(folder.resolve("model")))
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .maxSteps(2)
                        .maxTokens(20)
                        .build());
        for (var task : tasks) {
            training = training.task(task);
        }
        training.run(folder.resolve("run"));
        return AdaptedModel.open(folder.resolve("run"));
    }

    @Test
    void everyLabelIsScoredTheMostProbableFirst() {
        try (var model = trained(Snips.intent())) {
            var answer = (Answer.Label) model.predict(SENTENCE).get(0);
            assertThat(answer.scored())
                    .hasSize(7)
                    .isSortedAccordingTo((a, b) -> Double.compare(b.probability(), a.probability()));
            assertThat(answer.scored().stream()
                            .mapToDouble(Answer.Scored::probability)
                            .sum())
                    .isCloseTo(1, within(1e-5));
            assertThat(Snips.intent().labels().contains(answer.label())).isTrue();
            assertThat(answer.probability()).isEqualTo(answer.scored().get(0).probability());
        }
    }

    @Test
    void answersComeInTheOrderOfTheInputsWhateverTheirLength() {
        try (var model = trained(Snips.intent())) {
            var alone = model.predict("hi").get(0);
            var among = model.predict(SENTENCE, "hi", "rate this book").get(1);
            assertThat(((Answer.Label) among).label()).isEqualTo(((Answer.Label) alone).label());
            assertThat(((Answer.Label) among).probability())
                    .isCloseTo(((Answer.Label) alone).probability(), within(1e-5));
        }
    }

    @Test
    void everyTaskIsAnsweredByItsOwnHead() {
        try (var model = trained(Snips.intent(), Snips.length(), Snips.traits())) {
            var inputs = List.<Input>of(new Input.Text(SENTENCE));
            assertThat(model.tasks()).extracting(AdaptedTask::name).containsExactly("intent", "length", "traits");
            assertThat(model.predict("intent", inputs).get(0)).isInstanceOf(Answer.Label.class);
            assertThat(((Answer.Value) model.predict("length", inputs).get(0)).value())
                    .isFinite();
            var traits = (Answer.Labels) model.predict("traits", inputs).get(0);
            assertThat(traits.scored()).extracting(Answer.Scored::label).containsExactlyInAnyOrder("number", "long");
            assertThat(traits.applying()).allMatch(s -> s.probability() >= 0.5);
            assertThatThrownBy(() -> model.predict("intents", inputs))
                    .isInstanceOf(InputException.class)
                    .hasMessage(
                            "There is no head for a task 'intents'. Did you mean 'intent'? There are intent, length,"
                                    + " traits.");
        }
    }

    @Test
    void wordsBeyondTheCutAreAnsweredAsOutside() {
        try (var model = trained(Snips.longWords())) {
            var words = List.of(SENTENCE.split(" "));
            var answer = (Answer.Words)
                    model.predict("long-words", List.of(new Input.Words(words))).get(0);
            assertThat(answer.words()).hasSameSizeAs(words);
            // 20 tokens hold [CLS], 18 letters and [SEP]: "play some jazz from" and half of "1998".
            assertThat(answer.words().subList(0, 5)).allMatch(s -> s.probability() > 0);
            assertThat(answer.words().subList(5, words.size())).containsOnly(new Answer.Scored("O", 0));
        }
    }

    @Test
    void aFolderThatIsNoneIsSaid() {
        assertThatThrownBy(() -> AdaptedModel.open(folder))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(folder.toString());
    }
}
