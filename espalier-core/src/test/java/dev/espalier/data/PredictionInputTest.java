package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.BufferedReader;
import java.io.StringReader;
import java.util.List;
import org.junit.jupiter.api.Test;

class PredictionInputTest {
    private static List<Input> inputs(String text, Columns columns, TaskKind kind) {
        return PredictionInput.read(new BufferedReader(new StringReader(text)), "stdin", columns, kind)
                .map(Example::input)
                .toList();
    }

    private static List<Input> inputs(String text, TaskKind kind) {
        return inputs(text, Columns.GUESSED, kind);
    }

    @Test
    void linesAreTextsPairsOrWords() {
        assertThat(inputs("play music\nfirst\tsecond\n", TaskKind.SINGLE_LABEL))
                .containsExactly(new Input.Text("play music"), new Input.Pair("first", "second"));
        assertThat(inputs("play  music", TaskKind.TOKEN_LABELS))
                .containsExactly(new Input.Words(List.of("play", "music")));
    }

    @Test
    void jsonLinesHaveTheColumnsOfTrainingData() {
        assertThat(inputs("{\"input\": \"a\"}\n{\"sentence1\": \"b\", \"sentence2\": \"c\"}", TaskKind.SINGLE_LABEL))
                .containsExactly(new Input.Text("a"), new Input.Pair("b", "c"));
        assertThat(inputs("{\"tokens\": [\"a\", \"1\"]}", TaskKind.TOKEN_LABELS))
                .containsExactly(new Input.Words(List.of("a", "1")));
        var body = new Columns("body", null, null, null, null, null);
        assertThat(inputs("{\"body\": \"a\", \"text\": \"b\"}", body, TaskKind.SINGLE_LABEL))
                .containsExactly(new Input.Text("a"));
    }

    @Test
    void examplesHaveNoTargetAndKnowTheirRow() {
        var examples = PredictionInput.read(
                        new BufferedReader(new StringReader("a\nb")), "x.txt", Columns.GUESSED, TaskKind.SINGLE_LABEL)
                .toList();
        assertThat(examples.get(1))
                .isEqualTo(new Example(new Input.Text("b"), new Target.None(), new Origin("x.txt", 2)));
    }

    @Test
    void linesThatCannotBeReadAreNamed() {
        assertThatThrownBy(() -> inputs("a\n \nb", TaskKind.SINGLE_LABEL))
                .isInstanceOf(InputException.class)
                .hasMessage("stdin, row 2 is blank; remove the line.");
        assertThatThrownBy(() -> inputs("{\"input\": \"a\"}\n{\"inp", TaskKind.SINGLE_LABEL))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("stdin, row 2: not JSON: ");
        assertThatThrownBy(() -> inputs("{\"body\": \"a\"}", TaskKind.SINGLE_LABEL))
                .isInstanceOf(InputException.class)
                .hasMessage("stdin, row 1 has no column for text (input, text, sentence, sentence1); its columns are"
                        + " body; name the right one with columns.text.");
        assertThatThrownBy(() -> inputs("{\"input\": null}", TaskKind.SINGLE_LABEL))
                .isInstanceOf(InputException.class)
                .hasMessage("stdin, row 1: column 'input' is empty; fill it in, or remove the row.");
    }
}
