package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.espalier.error.InputException;
import dev.espalier.text.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Data of causal language models, from every format to examples. */
class TextTaskTest {
    @TempDir
    Path folder;

    @Test
    void readsConversations() throws IOException {
        var data = load("chat.jsonl", """
                {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "id": 3}
                {"messages": [{"role": "user", "content": "2024-01-02"}, {"role": "assistant", "content": "1.50", "reasoning_content": "why"}]}
                """);

        assertThat(data.kind()).isEqualTo(TaskKind.CAUSAL_LM);
        assertThat(data.labels().size()).isZero();
        assertThat(data.train())
                .containsExactly(
                        new Example(
                                new Input.Chat(
                                        List.of(new Message("system", "Be brief."), Message.user("Hi")), Map.of()),
                                new Target.Response(Message.assistant("Hello")),
                                new Origin(folder.resolve("chat.jsonl").toString(), 1)),
                        new Example(
                                new Input.Chat(List.of(Message.user("2024-01-02")), Map.of()),
                                new Target.Response(
                                        new Message("assistant", "1.50", Map.of("reasoning_content", "why"))),
                                new Origin(folder.resolve("chat.jsonl").toString(), 2)));
    }

    @Test
    void readsShareGptsConversations() throws IOException {
        var data = load("share.json", """
                [{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]}]""");

        assertThat(data.train().get(0).input())
                .isEqualTo(new Input.Chat(
                        List.of(Message.user("a"), Message.assistant("b"), Message.user("c")), Map.of()));
        assertThat(data.train().get(0).target()).isEqualTo(new Target.Response(Message.assistant("d")));
    }

    @Test
    void readsConversationsOfParquetAndOfTextCells() throws IOException, SQLException {
        var messages = "[{\"role\": \"user\", \"content\": \"a, 'b'\"}, {\"role\": \"assistant\", \"content\": \"c\"}]";
        Files.writeString(folder.resolve("a.jsonl"), "{\"messages\": " + messages + "}\n");
        try (var database = DriverManager.getConnection("jdbc:duckdb:");
                var statement = database.createStatement()) {
            statement.execute(
                    "copy (from '" + folder.resolve("a.jsonl") + "') to '" + folder.resolve("a.parquet") + "'");
        }
        Files.writeString(folder.resolve("a.tsv"), "messages\n\"" + messages.replace("\"", "\"\"") + "\"\n");

        for (var file : List.of("a.jsonl", "a.parquet", "a.tsv")) {
            var example =
                    TaskLoader.load(TaskSpec.file("x", file), folder).train().get(0);
            assertThat(example.input()).as(file).isEqualTo(new Input.Chat(List.of(Message.user("a, 'b'")), Map.of()));
        }
    }

    @Test
    void readsToolsAndTheirCalls() throws IOException {
        var data = load("tools.jsonl", """
                {"tools": [{"name": "clock"}], "messages": [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": null, "tool_calls": [{"name": "clock"}]}]}
                """);

        assertThat(data.train().get(0).input())
                .isEqualTo(new Input.Chat(
                        List.of(Message.user("Time?")), Map.of("tools", List.of(Map.of("name", "clock")))));
        assertThat(data.train().get(0).target())
                .isEqualTo(new Target.Response(
                        new Message("assistant", "", Map.of("tool_calls", List.of(Map.of("name", "clock"))))));
    }

    @Test
    void readsInstructionsWithAndWithoutInput() throws IOException {
        var data = load("alpaca.jsonl", """
                {"instruction": "Add.", "input": "1 2", "output": "3"}
                {"instruction": "Sing.", "input": "", "output": "La"}
                """);

        assertThat(data.train())
                .extracting(Example::input)
                .containsExactly(
                        new Input.Instruction("Add.", Optional.of("1 2")),
                        new Input.Instruction("Sing.", Optional.empty()));
    }

    @Test
    void readsPromptsAndTexts() throws IOException {
        assertThat(load("p.jsonl", "{\"prompt\": \"a\", \"completion\": \" b\"}")
                        .train()
                        .get(0)
                        .input())
                .isEqualTo(new Input.Prompt("a", ""));
        var asked = TaskSpec.file("x", "io.csv").withKind(TaskKind.CAUSAL_LM);
        Files.writeString(folder.resolve("io.csv"), "input,output\na,7\n");
        assertThat(TaskLoader.load(asked, folder).train())
                .extracting(Example::input, Example::target)
                .containsExactly(tuple(new Input.Prompt("a", "\n"), new Target.Response(Message.assistant("7"))));
        Files.writeString(folder.resolve("t.jsonl"), "{\"text\": \"all of it\"}\n");
        var text = TaskSpec.file("x", "t.jsonl").withCausalLm(CausalOptions.DEFAULT.withFormat(TextFormat.TEXT));
        assertThat(TaskLoader.load(text, folder).train())
                .extracting(Example::input, Example::target)
                .containsExactly(tuple(new Input.Text("all of it"), new Target.Itself()));
    }

    @Test
    void columnsCanBeNamed() throws IOException {
        Files.writeString(folder.resolve("q.csv"), "q,a\nWhy?,So\n");
        var columns = new Columns(null, null, null, null, null, null, "q", null, "a", null);

        assertThat(TaskLoader.load(TaskSpec.file("x", "q.csv").withColumns(columns), folder)
                        .train()
                        .get(0)
                        .input())
                .isEqualTo(new Input.Prompt("Why?", ""));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "[]|holds no messages",
                "null|is empty",
                "[{\"role\": \"user\", \"content\": \"a\"}]|ends with a message of 'user' and has no response to it",
                "[{\"role\": \"asistant\", \"content\": \"a\"}]|has the unknown role 'asistant' in message 1; known are"
                        + " assistant, developer, system, tool, user (nearest: 'assistant')",
                "[{\"content\": \"a\"}]|has no 'role' in message 1",
                "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \" \"}]|has an empty"
                        + " response in message 2",
                "[{\"role\": \"user\", \"content\": 5}, {\"role\": \"assistant\", \"content\": \"b\"}]|has something other"
                        + " than text in message 1",
                "\"not a list\"|holds no list of messages",
            })
    void conversationsThatCannotBeLearnedAreErrorsWithFileAndRow(String messages, String message) throws IOException {
        var good =
                "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}\n";

        assertThatThrownBy(() -> load("bad.jsonl", good + "{\"messages\": " + messages + "}\n"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(folder.resolve("bad.jsonl") + ", row 2: column 'messages' " + message);
    }

    @Test
    void aRowWithoutResponseIsAnError() {
        assertThatThrownBy(() -> load(
                        "bad.jsonl",
                        "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"c\", \"completion\": \"\"}\n"))
                .isInstanceOf(InputException.class)
                .hasMessage(folder.resolve("bad.jsonl")
                        + ", row 2: column 'completion' is empty; fill it in, or remove the row.");
    }

    @Test
    void columnsOfNoKnownFormatAreAnError() throws IOException {
        Files.writeString(folder.resolve("x.csv"), "head,body\na,b\n");

        assertThatThrownBy(() -> TaskLoader.load(TaskSpec.file("x", "x.csv").withKind(TaskKind.CAUSAL_LM), folder))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("x.csv has no columns that a causal language model learns from")
                .hasMessageContaining("its columns are head, body");
    }

    @Test
    void choicesKeepTheirCandidates() throws IOException {
        Files.writeString(
                folder.resolve("c.jsonl"),
                "{\"input\": \"a dog is a kind of\", \"output\": \"animal\", \"candidates\": [\"plant\", \"animal\"]}\n");

        assertThat(TaskLoader.load(TaskSpec.file("x", "c.jsonl").withKind(TaskKind.CAUSAL_LM), folder)
                        .train())
                .extracting(Example::input, Example::target)
                .containsExactly(tuple(
                        new Input.Prompt("a dog is a kind of", " "), new Target.Choice(1, List.of("plant", "animal"))));
    }

    @Test
    void builtInTasksOfTextsAndChoicesAreForCausalModels() {
        var choice = TaskLoader.load(TaskSpec.builtin("lemma-choice").withLimit(3), folder);
        assertThat(choice.kind()).isEqualTo(TaskKind.CAUSAL_LM);
        assertThat(choice.test()).allSatisfy(example -> assertThat(((Target.Choice) example.target()).candidates())
                .hasSize(4));

        assertThatThrownBy(() -> TaskLoader.load(TaskSpec.builtin("lemma").withKind(TaskKind.SINGLE_LABEL), folder))
                .isInstanceOf(InputException.class)
                .hasMessage("The built-in task 'lemma' asks for a text; its kind can be causal-lm only.");
    }

    private TaskData load(String file, String content) throws IOException {
        Files.writeString(folder.resolve(file), content);
        return TaskLoader.load(TaskSpec.file("x", file), folder);
    }
}
