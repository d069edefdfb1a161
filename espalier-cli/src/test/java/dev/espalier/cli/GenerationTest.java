package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The commands that write text, on the small real model of the examples. */
class GenerationTest {
    private static final Path MODEL = Path.of("..", "examples", "stories260K");

    @TempDir
    private static Path folder;

    /** The same model with a chat template. */
    private static Path chatting;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void addTemplate() throws IOException {
        chatting = Files.createDirectory(folder.resolve("chatting"));
        try (var files = Files.list(MODEL)) {
            for (var file : files.toList()) {
                Files.copy(file, chatting.resolve(file.getFileName()));
            }
        }
        Files.writeString(
                chatting.resolve("chat_template.jinja"),
                "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}");
    }

    private int run(String... arguments) {
        return Main.execute(arguments, new PrintWriter(out), new PrintWriter(err));
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFirstRowAndAFolderNoPlaceForAnswers() throws IOException {
        var rows = Files.writeString(folder.resolve("marked.txt"), "\uFEFF{\"prompt\": \"Once upon a time\"}\r\n");
        var target = folder.resolve("marked.jsonl");
        String[] command = {
            "generate", "--model", MODEL.toString(), "--input", rows.toString(), "--max-new-tokens", "4", "--output"
        };

        assertThat(run(with(command, target.toString()))).as(err.toString()).isZero();
        assertThat(Files.readString(target)).startsWith("{\"prompt\":\"Once upon a time\",\"answer\":\", there");

        assertThat(run(with(command, folder.toString()))).isEqualTo(2);
        assertThat(err.toString()).contains(folder + " is a folder; give --output a file to write.");
    }

    private static String[] with(String[] command, String last) {
        return Stream.concat(Arrays.stream(command), Stream.of(last)).toArray(String[]::new);
    }

    @Test
    void aPromptIsContinued() {
        assertThat(run(
                        "generate",
                        "--model",
                        MODEL.toString(),
                        "--prompt",
                        "Once upon a time",
                        "--max-new-tokens",
                        "20"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString())
                .startsWith(", there was a little girl named Lily. She")
                .endsWith("\n");
    }

    @Test
    void rowsKeepTheirOrderAndKeysAndTheFileIsWrittenWhole() throws IOException {
        var rows = Files.writeString(
                folder.resolve("rows.jsonl"),
                "{\"id\": 7, \"prompt\": \"Tom had a big dog. The\"}\n"
                        + "{\"prompt\": \"Once upon a time\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}\n");
        var target = folder.resolve("answers.jsonl");

        assertThat(run(
                        "generate",
                        "--model",
                        chatting.toString(),
                        "--input",
                        rows.toString(),
                        "--output",
                        target.toString(),
                        "--max-new-tokens",
                        "12"))
                .as(err.toString())
                .isZero();

        var answers = Files.readAllLines(target).stream()
                .map(line -> Json.mapper().readTree(line))
                .toList();
        assertThat(answers).hasSize(3);
        assertThat(answers.get(0).get("id").asInt()).isEqualTo(7);
        assertThat(answers.get(1).get("answer").asString()).isEqualTo(", there was a little girl named Lily. She");
        assertThat(answers.get(1).get("finish_reason").asString()).isEqualTo("max_new_tokens");
        assertThat(answers.get(2).get("messages").size()).isEqualTo(1);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aRowThatIsNoneLeavesTheOutputUntouched() throws IOException {
        var rows = Files.writeString(folder.resolve("bad.jsonl"), "{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n");
        var target = Files.writeString(folder.resolve("former.jsonl"), "former\n");

        assertThat(run("generate", "--model", MODEL.toString(), "-i", rows.toString(), "-o", target.toString()))
                .isEqualTo(2);
        assertThat(err.toString())
                .contains("bad.jsonl, line 2", "'prompt'", "text")
                .hasLineCount(1);
        assertThat(target).hasContent("former");
    }

    @Test
    void aConversationIsReadFromStandardInput() {
        var input = System.in;
        try {
            System.setIn(new ByteArrayInputStream(
                    "Hello, Tom.\n\n/reset\nHello, Tom.\n/exit\nnever\n".getBytes(StandardCharsets.UTF_8)));
            assertThat(run("chat", "--model", chatting.toString(), "--max-new-tokens", "8", "--stop", "\n"))
                    .as(err.toString())
                    .isZero();
        } finally {
            System.setIn(input);
        }
        var answers = out.toString().lines().toList();
        assertThat(answers).hasSize(2);
        assertThat(answers.get(0)).isEqualTo(answers.get(1));
    }

    /** An adapter of the model that changes what it says. */
    @SuppressWarnings("try") // scope and guard work by being open
    private static Path adapter(String name, AdapterSpec spec) {
        var target = folder.resolve(name);
        try (var scope = Scope.open();
                var model = AutoModel.decoder(MODEL, ScalarType.Float);
                var adapter = Adapter.create("default", spec, model, RandomStream.of(5))) {
            for (var weight : adapter.parameters()) {
                try (var guard = Engine.enter(1)) {
                    weight.value().fill_(new Scalar(.05));
                }
            }
            var head = new AdapterCard.SavedHead("", "text", TaskKind.CAUSAL_LM, List.of(), Pooling.DEFAULT);
            var card = new AdapterCard(MODEL.toString(), Optional.empty(), List.of(head));
            AdapterFolder.save(target, adapter, model, card);
        }
        return target;
    }

    @Test
    void rowsUseTheAdaptersTheyName() throws IOException {
        var lora = adapter("lora", LoraSpec.defaults());
        var dora = adapter("dora", LoraSpec.defaults().withDora(true).withRank(2));
        var rows = Files.writeString(folder.resolve("mixed.jsonl"), """
                {"prompt": "Once upon a time", "adapter": "lora"}
                {"prompt": "Tom had a dog", "adapter": null}
                {"prompt": "Once upon a time", "adapter": "dora"}
                {"prompt": "Once upon a time"}
                """);
        String[] command = {
            "generate", "--max-new-tokens", "12", "--input", rows.toString(), "--adapter", "lora=" + lora, "--adapter"
        };

        var named = answers(with(command, "dora=" + dora));
        assertThat(named).extracting(this::text).doesNotHaveDuplicates();
        assertThat(text(named.get(0))).isEqualTo(alone(lora, "Once upon a time"));
        assertThat(text(named.get(1))).isEqualTo(alone(null, "Tom had a dog"));
        assertThat(text(named.get(2))).isEqualTo(alone(dora, "Once upon a time"));
        assertThat(text(named.get(3))).isEqualTo(alone(null, "Once upon a time"));
        assertThat(named.get(2).get("adapter").asString()).isEqualTo("dora");

        var third = Files.writeString(
                folder.resolve("default.jsonl"),
                "{\"prompt\": \"Once upon a time\", \"adapter\": \"lora\"}\n{\"prompt\": \"Once upon a time\"}\n");
        command[4] = third.toString();
        var unnamed = answers(with(command, dora.toString()));
        assertThat(unnamed).extracting(this::text).containsExactly(text(named.get(0)), text(named.get(2)));
    }

    private List<JsonNode> answers(String... arguments) {
        out.getBuffer().setLength(0);
        assertThat(run(arguments)).as(err.toString()).isZero();
        return out.toString().lines().map(Json.mapper()::readTree).toList();
    }

    private String text(JsonNode row) {
        return row.get("answer").asString();
    }

    private String alone(@Nullable Path adapter, String prompt) {
        out.getBuffer().setLength(0);
        var model = adapter == null ? List.of("--model", MODEL.toString()) : List.of("--adapter", adapter.toString());
        var arguments = new ArrayList<>(List.of("generate", "--prompt", prompt, "--max-new-tokens", "12"));
        arguments.addAll(model);
        assertThat(run(arguments.toArray(String[]::new))).as(err.toString()).isZero();
        return out.toString().stripTrailing();
    }

    @Test
    void anAdapterThatIsNotThereAndTwoOfOneNameAreRefused() throws IOException {
        var lora = adapter("refused", LoraSpec.defaults());
        var rows = Files.writeString(
                folder.resolve("names.jsonl"), "{\"prompt\": \"a\"}\n{\"prompt\": \"a\", \"adapter\": \"fist\"}\n");
        wrong(
                "names.jsonl, line 2: there is no adapter 'fist'; did you mean 'first'? --adapter gives second, first.",
                "generate",
                "-i",
                rows.toString(),
                "--adapter",
                "second=" + lora,
                "--adapter",
                "first=" + lora);
        wrong(
                "names.jsonl, line 2: there is no adapter 'fist'; give it by --adapter fist=DIR.",
                "generate",
                "-i",
                rows.toString(),
                "--model",
                MODEL.toString());
        wrong(
                "are both called 'x'; give each a name of its own: --adapter NAME=DIR.",
                "generate",
                "-i",
                rows.toString(),
                "--adapter",
                "x=" + lora,
                "--adapter",
                "x=" + lora);
        wrong(
                "are both called 'default', as one without a name is; give each",
                "generate",
                "-i",
                rows.toString(),
                "--adapter",
                lora.toString(),
                "--adapter",
                lora.toString());
        wrong("No row names an adapter, so x would not be used", "generate", "--prompt", "a", "--adapter", "x=" + lora);
        wrong("a conversation is with one", "chat", "--adapter", "x=" + lora, "--adapter", "y=" + lora);
        Files.writeString(rows, "{\"prompt\": \"a\", \"adapter\": 3}\n");
        wrong("names.jsonl, line 1: 'adapter' is 3;", "generate", "-i", rows.toString(), "--adapter", "x=" + lora);
    }

    @Test
    void aPromptThatIsTooLongIsNamedByFileAndLineBeforeAnythingIsAnswered() throws IOException {
        var rows = Files.writeString(
                folder.resolve("long.jsonl"), "{\"prompt\": \"a\"}\n\n{\"prompt\": \"" + "dog ".repeat(600) + "\"}\n");
        wrong(
                "long.jsonl, line 3 has 1202 tokens, which",
                "generate",
                "--model",
                MODEL.toString(),
                "-i",
                rows.toString());
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void whatCannotBeDoneIsOneSentence() {
        wrong("has no chat template", "chat", "--model", MODEL.toString());
        wrong("has no chat template", "generate", "--model", MODEL.toString(), "--prompt", "a", "--chat");
        wrong("There is no model; give one by --model", "generate", "--prompt", "a");
        wrong(
                "is no adapter folder",
                "generate",
                "--adapter",
                folder.resolve("none").toString(),
                "--prompt",
                "a");
        wrong("is not a causal language model", "generate", "--model", "all-minilm-l6-v2", "--prompt", "a");
        wrong(
                "The prompt has 1202 tokens, which leaves no room for an answer in the model's context of 512 tokens",
                "generate",
                "--model",
                MODEL.toString(),
                "--prompt",
                "dog ".repeat(600));
        wrong("top-p must be from 0 to 1", "generate", "--model", MODEL.toString(), "--prompt", "a", "--top-p", "2");
        wrong("'--temperature': 'warm' is not a number.", "generate", "--prompt", "a", "--temperature", "warm");
        wrong("'--seed': '1.5' is not a whole number.", "chat", "--seed", "1.5");
        wrong("give one of them", "generate", "--model", MODEL.toString(), "--prompt", "a", "--input", "b");
    }

    private void wrong(String sentence, String... arguments) {
        err.getBuffer().setLength(0);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString()).contains(sentence).hasLineCount(1);
    }
}
