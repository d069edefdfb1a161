package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.report.TextTable.Column;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TextTableTest {
    @Test
    void wordsAreAlignedLeftAndNumbersRight() {
        var table = new TextTable(List.of(Column.text("method"), Column.number("weights"), Column.text("note")))
                .row("LoRA r 16", "304,536", "")
                .row("SiRA", "8", "best – so far");
        assertThat(table.toString()).isEqualTo("""
                method     weights  note
                ─────────  ───────  ─────────────
                LoRA r 16  304,536
                SiRA             8  best – so far
                """);
    }

    @Test
    void withoutRowsTheHeaderStands() {
        assertThat(new TextTable(List.of(Column.text("run"))).toString()).isEqualTo("run\n───\n");
    }

    @Test
    void aRowOfAnotherLengthIsRejected() {
        assertThatThrownBy(() -> new TextTable(List.of(Column.text("run"))).row("a", "b"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("2 cells for 1 columns.");
    }

    @Test
    void runsStandSideBySideInTheTerminal() {
        assertThat(RunTable.of(Runs.demo()).toString().lines().map(String::strip))
                .satisfiesExactly(
                        header -> assertThat(header).contains("test accuracy [95 %]", "peak memory"),
                        rule -> assertThat(rule).matches("[─ ]+"),
                        lora -> assertThat(lora)
                                .matches("lora-r16 +LoRA r 16 +304,536 +147,456 +0\\.750 \\[0\\.710, 0\\.786\\]"
                                        + " +52\\.4 s +7,120 +812 MB"),
                        lora -> assertThat(lora).startsWith("lora-r72"),
                        sira -> assertThat(sira).endsWith("1 min 23 s     4,630       1.1 GB"));
    }

    @Test
    void aRunUnderWayHasGaps() {
        var run = new RunHistory("run", List.of(), List.of(), List.of(), List.of(), Optional.empty());
        assertThat(RunTable.of(List.of(run)).rows())
                .containsExactly(List.of("run", "not finished", "–", "–", "–", "–", "–"));
    }
}
