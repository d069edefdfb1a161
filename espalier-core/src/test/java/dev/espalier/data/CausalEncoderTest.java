package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import dev.espalier.text.TextTokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

class CausalEncoderTest {
    private static final Origin ORIGIN = new Origin("a.jsonl", 7);
    private static final List<Message> TWO_TURNS = List.of(
            Message.user("Who is she?"),
            Message.assistant("Lily."),
            Message.user("And he?"),
            Message.assistant("Tom 😀"));

    private static Path model;
    private static TextTokenizer tokenizer;

    @BeforeAll
    static void open(@TempDir Path folder) throws URISyntaxException, IOException {
        var source = resource("/models/stories260K");
        var json = (ObjectNode) Json.read(source.resolve("tokenizer.json"));
        int id = 512;
        for (var turn : List.of("<|begin|>", "<|end|>", "<|head|>", "<|tail|>", "<turn>", "</turn>")) {
            ((ArrayNode) json.get("added_tokens"))
                    .add(Json.mapper()
                            .readTree("{\"id\": %d, \"content\": \"%s\", \"special\": true, \"lstrip\": false,"
                                    .concat("\"rstrip\": false, \"single_word\": false, \"normalized\": false}")
                                    .formatted(id++, turn)));
        }
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        Files.copy(source.resolve("tokenizer_config.json"), folder.resolve("tokenizer_config.json"));
        model = folder;
        tokenizer = TextTokenizer.open(model);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @Test
    void aCompletionIsLearnedWithTheTokenThatEndsIt() {
        var example = plain(64).encode(List.of(prompt("Once upon", " a time"))).get(0);

        assertThat(text(example.ids())).isEqualTo("<s> Once upon a time</s>");
        assertThat(text(learned(example))).isEqualTo(" a time</s>");
        assertThat(example.typeIds()).hasSize(example.length()).containsOnly(0);
    }

    @Test
    void withLossOnAllOnlyTheFirstTokenIsNotLearned() {
        var options = CausalOptions.DEFAULT.withLossOn(LossOn.ALL);
        var example = encoder(Optional.empty(), options, 64)
                .encode(List.of(prompt("Once upon", " a time")))
                .get(0);

        assertThat(text(learned(example))).isEqualTo(" Once upon a time</s>");
        assertThat(example.labels()[0]).isEqualTo(Batch.IGNORED);
    }

    @Test
    void allOfAPlainTextIsLearned() {
        var text = new Example(new Input.Text("A red ball."), new Target.Itself(), ORIGIN);

        assertThat(text(learned(plain(64).encode(List.of(text)).get(0)))).isEqualTo(" A red ball.</s>");
    }

    @Test
    void aTextThatBringsItsBeginningHasItOnce() {
        var text = new Example(new Input.Text("<s>A red ball.</s>"), new Target.Itself(), ORIGIN);

        assertThat(text(plain(64).encode(List.of(text)).get(0).ids())).isEqualTo("<s> A red ball.</s>");
    }

    @Test
    void instructionsAreWrittenAsAlpacaDoes() {
        var example = new Example(
                new Input.Instruction("Name the color.", Optional.of("A red ball.")),
                new Target.Response(Message.assistant("red")),
                ORIGIN);

        assertThat(text(plain(512).encode(List.of(example)).get(0).ids()))
                .isEqualTo(
                        "<s> Below is an instruction that describes a task, paired with an input that provides further"
                                + " context. Write a response that appropriately completes the request.\n\n### Instruction:\nName"
                                + " the color.\n\n### Input:\nA red ball.\n\n### Response:\nred</s>");
    }

    @ParameterizedTest
    @CsvSource({
        "brackets.jinja, ' Lily. </s>', ' Tom 😀 </s>'",
        "tools.jinja, ' Lily.</s>', ' Tom 😀</s>'",
        "lines.jinja, 'Lily.</s>', 'Tom 😀</s>'",
        "parts.jinja, 'Lily.</turn>', 'Tom 😀</turn>'",
        "headers.jinja, 'Lily.<|end|>', 'Tom 😀<|end|>'",
        "begin_end.jinja, 'Lily.<|end|>', 'Tom 😀<|end|> \n</s>'",
        "generation.jinja, 'Lily.</s>', 'Tom 😀</s>'",
        "thinking.jinja, 'Lily.<|end|>', '<think>\n\n</think>\n\nTom 😀<|end|>'",
    })
    void everyTurnOfTheAssistantIsLearnedWithWhatEndsIt(String template, String first, String second) {
        var encoder = encoder(template(template), CausalOptions.DEFAULT, 512);

        var example = encoder.encode(List.of(chat(TWO_TURNS))).get(0);

        assertThat(text(learned(example))).isEqualTo(first + second);
        assertThat(Arrays.stream(example.ids()).limit(2).filter(id -> id == 1).count())
                .as("no doubled beginning")
                .isLessThan(2);
    }

    @Test
    void thoughtsThatATemplateDropsFromEarlierTurnsAreNotLearned() {
        var example = encoder(template("thinking.jinja"), CausalOptions.DEFAULT, 512)
                .encode(List.of(chat(List.of(
                        Message.user("a"),
                        Message.assistant("<think>\nb\n</think>\n\nc d"),
                        Message.user("e"),
                        Message.assistant("<think>\nf\n</think>\n\ng")))))
                .get(0);

        assertThat(text(learned(example))).isEqualTo("c d<|end|><think>\nf\n</think>\n\ng<|end|>");
    }

    @Test
    void aPromptIsWhatTheWholeBeginsWith() {
        var encoder = encoder(template("headers.jinja"), CausalOptions.DEFAULT, 512);
        var whole = encoder.encode(List.of(chat(TWO_TURNS))).get(0);

        var prompt = encoder.prompt(new Input.Chat(TWO_TURNS.subList(0, 3), Map.of()), ORIGIN);

        assertThat(Arrays.copyOf(whole.ids(), prompt.length)).isEqualTo(prompt);
        assertThat(whole.labels()[prompt.length]).isEqualTo(whole.ids()[prompt.length]);
        assertThat(text(plain(9).prompt(new Input.Prompt("a ball", "\n"), ORIGIN)))
                .isEqualTo("<s> a ball\n");
        assertThat(text(plain(9).prompt(new Input.Prompt("a ball", " "), ORIGIN)))
                .isEqualTo("<s> a ball");
    }

    @Test
    void candidatesAreLearnedOneByOne() {
        var choice = new Example(
                new Input.Prompt("a ball is a kind of", " "), new Target.Choice(1, List.of("dog", "toy")), ORIGIN);

        var candidates = plain(64).candidates(5, choice);

        assertThat(candidates).extracting(one -> text(learned(one))).containsExactly(" dog</s>", " toy</s>");
        assertThat(candidates).extracting(EncodedExample::id).containsOnly(5L);
        assertThat(plain(64).encode(List.of(choice)).get(0).ids())
                .isEqualTo(candidates.get(1).ids());
    }

    @Test
    void tooLongExamplesAreLeftOutAndTheOthersKeepTheirPlace() {
        var examples = List.of(prompt("a", " b"), prompt("long ".repeat(50), " b"), prompt("c", " d"));

        assertThat(plain(20).encode(examples)).extracting(EncodedExample::id).containsExactly(0L, 2L);
    }

    @Test
    void tooLongExamplesAreAnErrorWhereARecipeSaysSo() {
        var encoder = encoder(Optional.empty(), CausalOptions.DEFAULT.withTooLong(TooLong.ERROR), 20);

        assertThatThrownBy(() -> encoder.encode(List.of(prompt("long ".repeat(50), " b"))))
                .isInstanceOf(InputException.class)
                .hasMessageMatching("a\\.jsonl, row 7 has \\d+ tokens, more than the 20 allowed; raise max-tokens.*");
    }

    @Test
    void truncationCutsThePromptsBeginningAndNeverTheResponse() {
        var encoder = encoder(Optional.empty(), CausalOptions.DEFAULT.withTooLong(TooLong.TRUNCATE), 12);
        var log = (Logger) LoggerFactory.getLogger(CausalEncoder.class);
        var lines = new ListAppender<ILoggingEvent>();
        lines.start();
        log.addAppender(lines);

        var encoded = encoder.encode(
                List.of(
                        prompt("one two three four five six seven eight", " a big red ball"),
                        prompt("one", " a big red ball and a very long response too that never ends")),
                "training examples of task 'say'");
        log.detachAppender(lines);

        assertThat(encoded).extracting(EncodedExample::id).containsExactly(0L);
        assertThat(lines.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .contains("1 of 2 training examples of task 'say' have more than 12 tokens and are left out");
        assertThat(encoded.get(0).length()).isEqualTo(12);
        assertThat(text(encoded.get(0).ids())).startsWith("<s>").endsWith("eight a big red ball</s>");
        assertThat(text(learned(encoded.get(0)))).isEqualTo(" a big red ball</s>");
    }

    @Test
    void aResponseIsCutOnlyWhereThatIsAsked() {
        var encoder = encoder(Optional.empty(), CausalOptions.DEFAULT.withTooLong(TooLong.TRUNCATE_RESPONSE), 12);

        var example = encoder.encode(List.of(prompt("one", " a big red ball and a very long response too")))
                .get(0);

        assertThat(example.length()).isEqualTo(12);
        assertThat(text(learned(example))).startsWith(" a big red ball").doesNotContain("</s>");
    }

    @Test
    void aConversationLosesItsOldestTurnsFirstThenTheBeginningOfTheQuestion() {
        var messages = List.of(
                new Message("system", "Be kind."),
                Message.user("old question"),
                Message.assistant("old answer"),
                Message.user("one two three four five six seven eight nine ten"),
                Message.assistant("yes"));
        var options = CausalOptions.DEFAULT.withTooLong(TooLong.TRUNCATE);
        var template = template("lines.jinja");
        int whole = encoder(template, options, 512)
                .encode(List.of(chat(messages)))
                .get(0)
                .length();

        var turnsCut = encoder(template, options, whole - 1)
                .encode(List.of(chat(messages)))
                .get(0);
        var questionCut = encoder(template, options, turnsCut.length() - 3)
                .encode(List.of(chat(messages)))
                .get(0);

        assertThat(text(turnsCut.ids())).contains("Be kind.", "one two three").doesNotContain("old");
        assertThat(text(questionCut.ids())).contains("Be kind.", "nine ten").doesNotContain("one");
        assertThat(questionCut.length()).isLessThanOrEqualTo(turnsCut.length() - 3);
        assertThat(text(learned(questionCut))).isEqualTo("yes</s>");
        assertThat(encoder(template, options, 30).encode(List.of(chat(messages))))
                .isEmpty();
    }

    @Test
    void whatTheTemplateRefusesIsAnErrorWithFileAndRow() {
        var twice = List.of(Message.user("a"), Message.user("b"), Message.assistant("c"));

        assertThatThrownBy(() -> encoder(template("brackets.jinja"), CausalOptions.DEFAULT, 99)
                        .encode(List.of(chat(twice))))
                .isInstanceOf(InputException.class)
                .hasMessageMatching(
                        "a\\.jsonl, row 7: .*brackets\\.jinja, line 1: the template says: user and assistant must alternate\\.");
    }

    @Test
    void aConversationWithoutATemplateIsAnError() {
        assertThatThrownBy(() -> plain(99).encode(List.of(chat(TWO_TURNS))))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("a.jsonl, row 7: the model has no chat template");
    }

    @Test
    void aTemplateThatWritesTheBeginningOtherwiseIsAnError() throws IOException {
        var file = Files.createTempFile("unstable", ".jinja");
        Files.writeString(
                file, "{{ messages|length }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}");

        assertThatThrownBy(() -> encoder(Optional.of(ChatTemplate.read(file, model)), CausalOptions.DEFAULT, 99)
                        .encode(List.of(chat(TWO_TURNS))))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("a.jsonl, row 7: message 2 cannot be found in what the chat template writes");
        Files.delete(file);
    }

    @Test
    void whatHasNoTokenToLearnIsLeftOut(@TempDir Path folder) throws IOException {
        var file = Files.writeString(
                folder.resolve("one.jinja"),
                "{{ bos_token }}{% for m in messages %}{% generation %}{% if 'Lily' in m.content %}{{ m.content }}"
                        + "{% endif %}{% endgeneration %}{% endfor %}");
        var encoder = encoder(Optional.of(ChatTemplate.read(file, model)), CausalOptions.DEFAULT, 99);
        var lily = List.of(Message.user("Who?"), Message.assistant("Lily."));
        var tom = List.of(Message.user("Who?"), Message.assistant("Tom."));

        var kept = encoder.encode(List.of(chat(tom), chat(lily), chat(tom)));

        assertThat(kept).singleElement().satisfies(example -> {
            assertThat(example.id()).isEqualTo(1);
            assertThat(text(learned(example))).isEqualTo(" Lily.");
        });
    }

    private static Example prompt(String prompt, String response) {
        return new Example(new Input.Prompt(prompt, ""), new Target.Response(Message.assistant(response)), ORIGIN);
    }

    private static Example chat(List<Message> messages) {
        int last = messages.size() - 1;
        return new Example(
                new Input.Chat(messages.subList(0, last), Map.of()), new Target.Response(messages.get(last)), ORIGIN);
    }

    private static CausalEncoder plain(int maxTokens) {
        return encoder(Optional.empty(), CausalOptions.DEFAULT, maxTokens);
    }

    private static CausalEncoder encoder(Optional<ChatTemplate> template, CausalOptions options, int maxTokens) {
        return new CausalEncoder(0, tokenizer, template, options, maxTokens);
    }

    private static Optional<ChatTemplate> template(String name) {
        try {
            return Optional.of(ChatTemplate.read(resource("/templates/" + name), model));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] learned(EncodedExample example) {
        return Arrays.stream(example.labels())
                .filter(label -> label != Batch.IGNORED)
                .toArray();
    }

    /** Tokens as text, special ones too. */
    private static String text(int... ids) {
        var text = new StringBuilder();
        int from = 0;
        for (int i = 0; i <= ids.length; i++) {
            boolean special = i < ids.length && tokenizer.vocabulary().isSpecial(ids[i]);
            if (i == ids.length || special) {
                text.append(pieces(Arrays.copyOfRange(ids, from, i)));
                from = i + 1;
                text.append(special ? tokenizer.vocabulary().token(ids[i]).orElseThrow() : "");
            }
        }
        return text.toString();
    }

    /** Bytes are put together, and spaces stay, which the tokenizer's own decoder leaves out at the start. */
    private static String pieces(int... ids) {
        var bytes = new ByteArrayOutputStream();
        for (int id : ids) {
            var token = tokenizer.vocabulary().token(id).orElseThrow();
            if (token.matches("<0x..>")) {
                bytes.write(Integer.parseInt(token.substring(3, 5), 16));
            } else {
                bytes.writeBytes(token.replace('▁', ' ').getBytes(StandardCharsets.UTF_8));
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(CausalEncoderTest.class.getResource(name))
                .toURI());
    }
}
