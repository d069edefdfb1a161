package dev.espalier.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TaskSpecTest {
    private static TaskSpec yaml(String text) {
        return Json.recipes().readValue(text, TaskSpec.class);
    }

    @Test
    void aRecipesTaskIsASpec() {
        var spec = yaml("""
                name: tags
                files: {train: train.csv, test: test.csv}
                kind: token-labels
                columns: {words: tokens, labels: ner, text-pair: other}
                label-separator: "|"
                validation-fraction: 0.1
                seed: 3
                limit: 100
                """);
        assertThat(spec)
                .isEqualTo(TaskSpec.files("tags", Map.of(Split.TRAIN, "train.csv", Split.TEST, "test.csv"))
                        .withKind(TaskKind.TOKEN_LABELS)
                        .withColumns(new Columns(null, "other", null, "ner", "tokens", null))
                        .withLabelSeparator("|")
                        .withFractions(0.1, 0)
                        .withSeed(3)
                        .withLimit(100));
    }

    @Test
    void whatIsNotGivenHasItsDefault() {
        assertThat(yaml("builtin: noun-supersense"))
                .isEqualTo(new TaskSpec(
                        null,
                        "noun-supersense",
                        null,
                        Map.of(),
                        null,
                        null,
                        Columns.GUESSED,
                        null,
                        CausalOptions.DEFAULT,
                        0,
                        0,
                        0,
                        0,
                        Map.of()));
    }

    @Test
    void theNameComesFromTheDataIfNotGiven() {
        assertThat(yaml("builtin: topic").title()).isEqualTo("topic");
        assertThat(yaml("file: data/mails.v2.jsonl.gz").title()).isEqualTo("mails");
        assertThat(yaml("files: {train: a/b.csv}").title()).isEqualTo("b");
        assertThat(yaml("{name: x, file: b.csv}").title()).isEqualTo("x");
    }

    @Test
    void sourcesThatContradictAreErrors() {
        assertThatThrownBy(() -> TaskSpec.file("x", "a.csv").withFractions(1.5, 0))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'x': validation-fraction is 1.5; give a share from 0 to below 1.");
        assertThatThrownBy(() -> TaskSpec.file("x", "a.csv").withLimit(-1))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'x': limit is -1; give 0 for all rows or a number of rows.");
        assertThatThrownBy(() -> new TaskSpec(
                        "x",
                        "topic",
                        "a.csv",
                        Map.of(),
                        null,
                        null,
                        Columns.GUESSED,
                        null,
                        CausalOptions.DEFAULT,
                        0,
                        0,
                        0,
                        0,
                        Map.of()))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'x' has 2 sources of data; give exactly one of builtin, file, files and sql.");
        assertThatThrownBy(() -> TaskSpec.files("x", Map.of(Split.TEST, "a.csv")))
                .isInstanceOf(InputException.class)
                .hasMessage("Task 'x' has files but none for train; add files.train.");
    }
}
