package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunHistoryTest {
    @TempDir
    private Path folder;

    private RunHistory read(String metrics) throws IOException {
        Files.writeString(folder.resolve("metrics.jsonl"), metrics);
        return RunHistory.read(folder);
    }

    @Test
    void aWholeRunIsReadByKind() {
        var run = Runs.sira();
        assertThat(run.name()).isEqualTo("sira-e16-k4-r4");
        assertThat(run.train()).hasSize(75);
        assertThat(run.train().get(74).step()).isEqualTo(375);
        assertThat(run.train().get(74).epoch()).isEqualTo(3);
        assertThat(run.validations()).hasSize(15).allMatch(v -> v.metrics().containsKey("macro_f1"));
        assertThat(run.routers()).hasSize(15 * 12).allMatch(r -> r.load().size() == 16);
        assertThat(run.lastRouters().values()).hasSize(12).allMatch(r -> r.step() == 375);
        assertThat(run.tasks()).containsExactly("noun-supersense");
        var test = run.test("noun-supersense").orElseThrow();
        assertThat(test.labels()).hasSize(24);
        assertThat(test.confusion().stream().flatMap(row -> row.stream()).mapToLong(n -> n))
                .hasSize(576);
        assertThat(test.metrics()).containsKeys("accuracy", "accuracy_low", "accuracy_high");
        var summary = run.summary().orElseThrow();
        assertThat(summary.method()).isEqualTo("SiRA E 16 k 4 r 4");
        assertThat(summary.trainedWeightsAdapter()).isEqualTo(663_552);
        assertThat(summary.peakMemoryMb()).isEqualTo(1104);
    }

    @Test
    void aStepThatWasLoggedTwiceCountsAsLoggedLast() throws IOException {
        var run = read("""
                {"kind":"train","step":10,"loss":2}
                {"kind":"train","step":20,"loss":1.5}
                {"kind":"validation","step":20,"task":"a","accuracy":0.5}
                {"kind":"train","step":15,"loss":1.8}
                {"kind":"train","step":20,"loss":1.25}
                {"kind":"validation","step":20,"task":"a","accuracy":0.6}
                {"kind":"validation","step":20,"task":"b","accuracy":0.7}
                """);
        assertThat(run.train()).extracting(RunHistory.Train::step).containsExactly(10, 15, 20);
        assertThat(run.train()).extracting(RunHistory.Train::loss).containsExactly(2.0, 1.8, 1.25);
        assertThat(run.validations())
                .extracting(v -> v.metrics().get("accuracy"))
                .containsExactly(0.6, 0.7);
    }

    @Test
    void aLastLineThatBreaksOffIsPassedOver() throws IOException {
        var run = read("{\"kind\":\"train\",\"step\":10,\"loss\":2}\n{\"kind\":\"train\",\"st");
        assertThat(run.train()).hasSize(1);
        assertThat(run.summary()).isEmpty();
    }

    @Test
    void aNumberThatIsMissingOrTextIsNaN() throws IOException {
        var run = read("{\"kind\":\"train\",\"step\":10,\"loss\":\"NaN\"}\n");
        assertThat(run.train().get(0).loss()).isNaN();
        assertThat(run.train().get(0).gradNorm()).isNaN();
    }

    @Test
    void kindsOfLaterVersionsArePassedOver() throws IOException {
        assertThat(read("{\"kind\":\"rank\",\"step\":10}\n").train()).isEmpty();
    }

    @Test
    void aLineThatIsNotJsonIsNamed() {
        assertThatThrownBy(() -> read("{\"kind\":\"train\",\"step\":10}\nloss 2\n{}\n"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("metrics.jsonl:2");
    }

    @Test
    void aFolderThatIsNoRunIsNamed() {
        assertThatThrownBy(() -> RunHistory.read(folder))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(folder + " is no run folder");
    }
}
