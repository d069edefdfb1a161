package dev.espalier.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.data.Split;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreBookTest {
    private static final Map<String, String> SETTINGS = Map.of("model", "m", "rows of a task", "5");
    private static final Subject MERGED = new Subject("lora", "ties", List.of("a", "b"), 1, "c0ffee");
    private static final Estimate KNOWN = new Estimate(0.1 + 0.2, new Interval(0.25, 1 / 3.0));
    private static final Estimate UNKNOWN =
            new Estimate(0.5, new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));

    @TempDir
    Path folder;

    private Path file = Path.of("");

    @BeforeEach
    void write() {
        file = folder.resolve("new/scores.jsonl");
        try (var book = ScoreBook.open(file, SETTINGS)) {
            book.add(MERGED, "a", Split.TEST, "accuracy", 5, KNOWN, 1.5);
            book.add(Subject.BARE, "a", Split.VALIDATION, "rouge_l", 5, UNKNOWN, 1.5);
        }
    }

    @Test
    void scoresAreFoundAgainToTheLastBit() {
        try (var book = ScoreBook.open(file, SETTINGS)) {
            assertThat(book.find(MERGED, "a", Split.TEST)).contains(KNOWN);
            assertThat(book.find(Subject.BARE, "a", Split.VALIDATION)).contains(UNKNOWN);
            assertThat(book.find(MERGED, "a", Split.VALIDATION)).isEmpty();
            assertThat(book.find(MERGED, "b", Split.TEST)).isEmpty();
            var retrained = new Subject("lora", "ties", List.of("a", "b"), 1, "decaf");
            assertThat(book.find(retrained, "a", Split.TEST)).isEmpty();
        }
    }

    @Test
    void aLineThatWasCutOffIsTakenAway() throws IOException {
        var whole = Files.readString(file);
        Files.writeString(file, "{\"subject\":{\"expe", StandardOpenOption.APPEND);
        try (var book = ScoreBook.open(file, SETTINGS)) {
            assertThat(book.find(MERGED, "a", Split.TEST)).contains(KNOWN);
        }
        assertThat(file).hasContent(whole);
    }

    @Test
    void scoresOfOtherSettingsAreRefused() throws IOException {
        var whole = Files.readString(file);
        assertThatThrownBy(() -> ScoreBook.open(file, Map.of("model", "m", "rows of a task", "9")))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        "The scores in " + file + " were made with rows of a task 5, but now it is 9; choose another"
                                + " --output, or remove that file to score anew.");
        assertThat(file).hasContent(whole);
    }

    @Test
    void aFileThatIsNoBookIsRefusedAndLeftAlone() throws IOException {
        Files.writeString(file, "something else\n");
        assertThatThrownBy(() -> ScoreBook.open(file, SETTINGS))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("scores.jsonl");
        assertThat(file).hasContent("something else\n");
    }
}
