package dev.espalier.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Turns through a chat template, on a real model: as if each had been asked from the start. */
class ConversationTest {
    private static final int BOS = 1;
    private static final int EOS = 2;

    private static DecoderModel model;
    private static TextTokenizer tokenizer;
    private static ChatTemplate template;

    @BeforeAll
    static void open() {
        var folder = resource("/models/stories260K");
        model = AutoModel.decoder(folder, ScalarType.Float);
        tokenizer = TextTokenizer.open(folder);
        template = ChatTemplate.read(resource("/templates/lines.jinja"), folder);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
        model.close();
    }

    private static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(ConversationTest.class.getResource(name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static SamplingOptions options() {
        return SamplingOptions.builder().maxNewTokens(16).build();
    }

    private static Conversation conversation() {
        return new Conversation(model, tokenizer, template, options(), List.of(new Message("system", "Be kind.")));
    }

    @Test
    void aTurnIsAnsweredAsIfTheWholeConversationWereAskedAnew() {
        try (var conversation = conversation()) {
            for (var said : List.of("Once there was a dog.", "And a cat?", "Why?")) {
                var pieces = new ArrayList<String>();
                var asked = new ArrayList<>(conversation.messages());
                asked.add(Message.user(said));

                var answer = conversation.say(said, pieces::add);

                var prompt = Prompt.chat(0, asked, template, tokenizer);
                var anew = new Generator(model, tokenizer, options()).generate(List.of(prompt));
                assertThat(answer.text()).isEqualTo(anew.get(0).text()).isEqualTo(String.join("", pieces));
                assertThat(answer.tokens()).containsExactly(anew.get(0).tokens());
                assertThat(conversation.cachedTokens()).isEqualTo(prompt.length() + answer.tokens().length - 1);
            }
            assertThat(conversation.messages()).hasSize(7);
        }
    }

    @Test
    void anInterruptEndsTheAnswerAndWhatWasWrittenStaysATurn() {
        try (var conversation = conversation()) {
            var whole = conversation.say("Once there was a dog.", piece -> {}).text();
            conversation.reset();

            var cut = conversation.say("Once there was a dog.", piece -> conversation.interrupt());

            assertThat(cut.reason()).isEqualTo(FinishReason.INTERRUPTED);
            assertThat(cut.text()).isNotEmpty().isNotEqualTo(whole);
            assertThat(whole).startsWith(cut.text());
            assertThat(conversation.messages()).endsWith(Message.assistant(cut.text()));
            assertThat(conversation.say("And a cat?", piece -> {}).reason()).isNotEqualTo(FinishReason.INTERRUPTED);
        }
    }

    @Test
    void resetForgetsAllButTheBeginning() {
        try (var conversation = conversation()) {
            var first = conversation.say("Once there was a dog.", piece -> {}).text();
            conversation.say("And a cat?", piece -> {});
            conversation.reset();

            assertThat(conversation.messages()).containsExactly(new Message("system", "Be kind."));
            assertThat(conversation.say("Once there was a dog.", piece -> {}).text())
                    .isEqualTo(first);
        }
    }

    @Test
    void aTurnThatDoesNotFitLeavesTheConversationAsItWas() {
        try (var conversation = conversation()) {
            assertThatThrownBy(() -> conversation.say("dog ".repeat(600), piece -> {}))
                    .isInstanceOf(InputException.class)
                    .hasMessageMatching("The message has \\d+ tokens, .*; shorten it\\.");
            assertThat(conversation.begun()).isFalse();
            conversation.say("Hello.", piece -> {});
            assertThat(conversation.begun()).isTrue();
            var before = conversation.messages();

            assertThatThrownBy(() -> conversation.say("dog ".repeat(600), piece -> {}))
                    .isInstanceOf(InputException.class)
                    .hasMessageMatching("The conversation has \\d+ tokens, .*context of 512 tokens; shorten it\\.");
            assertThat(conversation.messages()).isEqualTo(before);
            assertThat(conversation.say("And?", piece -> {}).tokens()).isNotEmpty();
        }
    }

    @Test
    void theTokenThatEndsATurnIsFoundInTheTemplate(@TempDir Path folder) throws IOException {
        var ending = "{% for m in messages %}{{ m['content'] }}END{% endfor %}";
        for (var end : List.of("{{ bos_token }}", "\n{{ bos_token }}", ", over", "over {{ bos_token }}")) {
            var file = Files.writeString(folder.resolve("chat.jinja"), ending.replace("END", end));
            var read = ChatTemplate.read(file, resource("/models/stories260K"));

            assertThat(StopTokens.of(folder, tokenizer, read))
                    .as(end)
                    .containsExactlyInAnyOrder(end.contains("over") ? new Integer[] {EOS} : new Integer[] {BOS, EOS});
        }
    }

    @Test
    void theStopTokensOfTheGenerationConfigMayBeAList(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"eos_token_id\": 7}");
        assertThat(StopTokens.of(folder, tokenizer)).containsExactlyInAnyOrder(EOS, 7);
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [8, 9]}");
        assertThat(StopTokens.of(folder, tokenizer)).containsExactlyInAnyOrder(EOS, 8, 9);
    }
}
