package dev.espalier.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.text.TextTokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Text of a real model that was trained on children's stories. */
class GeneratorTest {
    private static final String STORY =
            ", there was a little girl named Lily. She loved to play outside in the park. One day,"
                    + " she saw a big, red ball. She wanted to play with it, but it was too high.";
    private static final int BOS = 1;
    private static final int EOS = 2;

    private static DecoderModel model;
    private static TextTokenizer tokenizer;

    @BeforeAll
    static void open() {
        model = AutoModel.decoder(folder(), ScalarType.Float);
        tokenizer = TextTokenizer.open(folder());
    }

    @AfterAll
    static void close() {
        tokenizer.close();
        model.close();
    }

    private static Path folder() {
        try {
            return Path.of(Objects.requireNonNull(GeneratorTest.class.getResource("/models/stories260K"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static SamplingOptions.Builder options(int tokens) {
        return SamplingOptions.builder().maxNewTokens(tokens).stopTokens(StopTokens.of(folder(), tokenizer));
    }

    private static Generator generator(SamplingOptions.Builder options) {
        return new Generator(model, tokenizer, options.build());
    }

    @Test
    void aRealModelGoesOnAsItDoesInTransformers() {
        var answer = generator(options(100)).generate("Once upon a time");

        assertThat(answer.text()).startsWith(STORY);
        assertThat(answer.reason()).isEqualTo(FinishReason.MAX_NEW_TOKENS);
        assertThat(answer.tokens()).hasSize(100);
    }

    @Test
    void piecesOfEveryRowAreItsTextInOrder() {
        var prompts = List.of(
                Prompt.text(0, "Once upon a time", tokenizer),
                Prompt.text(1, "Tom", tokenizer),
                Prompt.text(2, "The dog and the cat were friends. They", tokenizer));
        var pieces = new ArrayList<List<String>>();
        prompts.forEach(prompt -> pieces.add(new ArrayList<>()));

        var answers = generator(options(40))
                .generate(prompts, (prompt, piece) -> pieces.get(prompt).add(piece));

        for (int i = 0; i < answers.size(); i++) {
            assertThat(String.join("", pieces.get(i))).isEqualTo(answers.get(i).text());
            assertThat(pieces.get(i)).hasSizeGreaterThan(10).doesNotContain("");
        }
        assertThat(STORY).startsWith(answers.get(0).text());
    }

    @Test
    void aStopStringEndsTheTextBeforeIt() {
        var stopped = generator(options(100).stopStrings(List.of("red ball", "Lily. She")));

        var answer = stopped.generate("Once upon a time");

        assertThat(answer.text()).isEqualTo(", there was a little girl named ");
        assertThat(answer.reason()).isEqualTo(FinishReason.STOP_STRING);
        assertThat(answer.tokens()).hasSizeLessThan(30);
    }

    @Test
    void whatMightHaveBecomeAStopStringIsGivenAtTheEnd() {
        int length = generator(options(100).stopStrings(List.of("little")))
                .generate("Once upon a time")
                .tokens()
                .length;
        var answer =
                generator(options(length).stopStrings(List.of("little boy"))).generate("Once upon a time");

        assertThat(answer.text()).isEqualTo(", there was a little");
    }

    @Test
    void aStopTokenEndsAStory() {
        assertThat(StopTokens.of(folder(), tokenizer)).containsExactly(EOS);
        var free = generator(options(350).stopTokens(Set.of())).generate("Once upon a time");

        // This model begins the next story at once, without an end of the last.
        var answer = generator(options(350).stopTokens(Set.of(BOS))).generate("Once upon a time");

        assertThat(answer.reason()).isEqualTo(FinishReason.STOP_TOKEN);
        assertThat(answer.tokens()).startsWith(free.tokens()[0]).endsWith(BOS);
        assertThat(answer.text()).startsWith(STORY).endsWith("You are a good friend.\"");
        assertThat(free.text())
                .startsWith(answer.text())
                .hasSizeGreaterThan(answer.text().length());
    }

    @Test
    void aDrawnTextIsTheSameAloneAndInABatch() {
        var options = options(60).temperature(0.8).topP(0.9).seed(3);
        var prompts = new ArrayList<Prompt>();
        for (int i = 0; i < 5; i++) {
            prompts.add(Prompt.text(i, "Once upon a time, " + "there was a dog. ".repeat(i), tokenizer));
        }

        var together = generator(options).generate(prompts);

        for (int i = 0; i < prompts.size(); i++) {
            assertThat(generator(options)
                            .generate(List.of(prompts.get(i)))
                            .get(0)
                            .text())
                    .isEqualTo(together.get(i).text());
        }
        assertThat(together.stream().map(Generation::text)).doesNotHaveDuplicates();
    }

    @Test
    void anEmptyTextBeginsWithTheTokenThatBeginsTexts() {
        assertThat(Prompt.text(0, "", tokenizer).tokens()).containsExactly(BOS);
        assertThat(generator(options(4)).generate("").text()).isNotEmpty();
        assertThatThrownBy(() -> new Prompt(3, new int[0], true))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Prompt 3 is empty");
    }
}
