package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
                "which leaves no room for an answer in the model's context of 512 tokens",
                "generate",
                "--model",
                MODEL.toString(),
                "--prompt",
                "dog ".repeat(600));
        wrong("top-p must be from 0 to 1", "generate", "--model", MODEL.toString(), "--prompt", "a", "--top-p", "2");
        wrong("give one of them", "generate", "--model", MODEL.toString(), "--prompt", "a", "--input", "b");
    }

    private void wrong(String sentence, String... arguments) {
        err.getBuffer().setLength(0);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString()).contains(sentence).hasLineCount(1);
    }
}
