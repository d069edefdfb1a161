package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows with candidates of their own, and lines about labels. */
class ChoiceTaskTest {
    @TempDir
    Path folder;

    private TaskData load(String text) {
        return load(TaskSpec.file("task", "rows.jsonl").withKind(TaskKind.CHOICE), text);
    }

    private TaskData load(TaskSpec spec, String text) {
        try {
            Files.writeString(folder.resolve("rows.jsonl"), text);
            return TaskLoader.load(spec, folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @CsvSource({"\"b\", 1", "\"a\", 0", "2, 2", "\"2\", 2"})
    void theRightOneIsACandidatesTextOrItsNumber(String output, int right) {
        var task = load("{\"input\": \"t\", \"candidates\": [\"a\", \"b\", \"c d\"], \"output\": " + output + "}\n");
        var example = task.train().get(0);
        assertThat(example.input()).isEqualTo(new Input.Choice("t", List.of("a", "b", "c d")));
        assertThat(example.target()).isEqualTo(new Target.Choice(right, List.of("a", "b", "c d")));
        assertThat(task.labels().size()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "[~a~,~b~] | ~c~ | column 'output' is 'c', which is none of the candidates a, b.",
                "[~a~,~b~] | 2 | column 'output' is '2', which is none of the candidates a, b.",
                "[~a~] | ~a~ | column 'candidates' has too few candidates, 1; a choice needs two at least.",
                "[~a~,~a~] | ~a~ | column 'candidates' holds a candidate twice: a, a."
            })
    void aRowThatIsNoChoiceIsNamed(String candidates, String output, String message) {
        var row = "{~input~: ~t~, ~candidates~: " + candidates + ", ~output~: " + output + "}\n";
        assertThatThrownBy(() -> load(row.replace('~', '"')))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("rows.jsonl, row 1")
                .hasMessageEndingWith(message);
    }

    @Test
    void aBuiltinChoiceIsAChoiceForEncodersAndATextForDecoders() {
        var choice = TaskLoader.load(
                TaskSpec.builtin("antonym-choice").withKind(TaskKind.CHOICE).withLimit(5), folder);
        assertThat(choice.kind()).isEqualTo(TaskKind.CHOICE);
        assertThat(choice.test()).hasSize(5).allSatisfy(example -> assertThat(
                        ((Input.Choice) example.input()).candidates())
                .hasSize(4));
        assertThat(TaskLoader.load(TaskSpec.builtin("antonym-choice").withLimit(5), folder)
                        .kind())
                .isEqualTo(TaskKind.CAUSAL_LM);
        assertThatThrownBy(() ->
                        TaskLoader.load(TaskSpec.builtin("noun-supersense").withKind(TaskKind.CHOICE), folder))
                .hasMessage("The built-in task 'noun-supersense' asks for a label; its kind can be single-label or"
                        + " causal-lm only.");
    }

    @Test
    void candidatesOfPredictionsComeWithTheText() {
        assertThat(PredictionInput.read(lines("t\ta b\tc"), "x", Columns.GUESSED, TaskKind.CHOICE))
                .extracting(Example::input)
                .containsExactly(new Input.Choice("t", List.of("a b", "c")));
        assertThat(PredictionInput.read(
                        lines("{\"text\": \"t\", \"choices\": [\"a\", \"b\"]}"), "x", Columns.GUESSED, TaskKind.CHOICE))
                .extracting(Example::input)
                .containsExactly(new Input.Choice("t", List.of("a", "b")));
        assertThatThrownBy(() -> PredictionInput.read(lines("t\ta"), "x", Columns.GUESSED, TaskKind.CHOICE)
                        .toList())
                .hasMessage("x, row 1 has 1 candidates; give the text and two or more, with tabs between them.");
    }

    private static BufferedReader lines(String text) {
        return new BufferedReader(new StringReader(text));
    }

    @Test
    void linesAboutLabelsAreAboutEachOfThem() {
        var rows = "{\"text\": \"x\", \"label\": \"a\"}\n{\"text\": \"y\", \"label\": \"b\"}\n";
        var spec = TaskSpec.file("task", "rows.jsonl");
        var both = Map.of("a", "the first", "b", "the second");
        assertThat(load(spec.withLabelDescriptions(both), rows).labelDescriptions())
                .isEqualTo(both);
        assertThatThrownBy(() -> load(spec.withLabelDescriptions(Map.of("a", "the first")), rows))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'task': label-descriptions has no line about the label 'b'; describe each label, or"
                        + " none to go by their names.");
        assertThatThrownBy(() -> load(spec.withLabelDescriptions(Map.of("a", "1", "b", "2", "bb", "3")), rows))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'task': label-descriptions describes 'bb', which is no label of its training split;"
                        + " did you mean 'b'?");
    }
}
