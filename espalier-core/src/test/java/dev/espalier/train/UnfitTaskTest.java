package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.data.Example;
import dev.espalier.data.Input;
import dev.espalier.data.Origin;
import dev.espalier.data.Target;
import dev.espalier.error.InputException;
import dev.espalier.text.Message;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tasks that do not fit the model are refused in a sentence, and no run folder is left behind. */
class UnfitTaskTest {
    @TempDir
    Path folder;

    private static String decoder() throws URISyntaxException {
        return Path.of(UnfitTaskTest.class.getResource("/models/stories260K").toURI())
                .toString();
    }

    @Test
    void anEncoderWritesNoTexts() {
        var training = Training.of(TinyModel.in(folder.resolve("model"))).task(Snips.written());
        assertThatThrownBy(() -> training.run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("bert")
                .hasMessageContaining("causal-lm");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void aDecoderHasNoHeadForLabels() throws URISyntaxException {
        var training = Training.of(decoder()).task(Snips.intent());
        assertThatThrownBy(() -> training.run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("llama")
                .hasMessageContaining("single-label");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void examplesThatAreAllTooLongLeaveNothingToTrainOn() throws URISyntaxException {
        var training = Training.of(decoder())
                .task(Snips.written())
                .options(TrainingOptions.builder().dtype("fp32").maxTokens(4).build());
        assertThatThrownBy(() -> training.run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'written'")
                .hasMessageContaining("at most 4 tokens")
                .hasMessageContaining("max-tokens");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void anAdapterThatWritesTextsPredictsNoLabelsAndNeedsAnExampleThatFits() throws URISyntaxException {
        Training.of(decoder())
                .task(Snips.written())
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .maxSteps(1)
                        .maxTokens(80)
                        .build())
                .run(folder.resolve("run"));
        try (var adapted = AdaptedModel.open(folder.resolve("run"))) {
            assertThatThrownBy(() -> adapted.predict("play some music"))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("'written'")
                    .hasMessageContaining("generate");
            var text = new Input.Text("music ".repeat(100));
            var tooLong = new Example(text, new Target.Response(Message.assistant("yes")), new Origin("long.jsonl", 1));
            assertThatThrownBy(() -> adapted.evaluate("written", List.of(tooLong)))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("at most 80 tokens")
                    .hasMessageContaining("'written'");
        }
    }
}
