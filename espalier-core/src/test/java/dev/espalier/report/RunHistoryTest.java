package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

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
    void aLastWindowThatTheRunsEndCutShortIsJoinedWithTheOneBefore() throws IOException {
        var run = read("""
                {"kind":"train","step":10,"loss":2,"learning_rate":0.3,"tokens_per_second":100}
                {"kind":"train","step":19,"loss":1,"learning_rate":0.2,"tokens_per_second":100}
                {"kind":"train","step":20,"loss":6,"learning_rate":0.1,"tokens_per_second":50}
                {"kind":"router","step":8,"module":"a","load":[0.25,0.75],"dropped":0,"entropy":0.5}
                {"kind":"router","step":16,"module":"a","load":[0.5,0.5],"dropped":0.25,"entropy":0.5}
                {"kind":"router","step":16,"module":"b","load":[1,0],"dropped":0,"entropy":0}
                {"kind":"router","step":20,"module":"a","load":[0.8,0.2],"dropped":0.1,"entropy":0.2}
                {"kind":"router","step":20,"module":"b","load":[0.25,0.75],"dropped":0.5,"entropy":0.4}
                """);
        assertThat(run.train()).extracting(RunHistory.Train::step).containsExactly(10, 20);
        var last = run.train().get(1);
        assertThat(last.loss()).isEqualTo(1.5); // (9 * 1 + 1 * 6) / 10
        assertThat(last.learningRate()).isEqualTo(0.1);
        assertThat(last.tokensPerSecond()).isEqualTo(95);
        assertThat(run.routers()).extracting(r -> r.module() + r.step()).containsExactly("a8", "a20", "b20");
        assertThat(run.lastRouters()).hasEntrySatisfying("a", a -> {
            assertThat(a.load().get(0)).isCloseTo(0.6, within(1e-12)); // (8 * 0.5 + 4 * 0.8) / 12
            assertThat(a.dropped()).isCloseTo(0.2, within(1e-12));
            assertThat(a.entropy()).isCloseTo(0.4, within(1e-12));
        });
        // (16 * 1 + 4 * 0.25) / 20
        assertThat(run.lastRouters())
                .hasEntrySatisfying("b", b -> assertThat(b.load()).containsExactly(0.85, 0.15));
    }

    @Test
    void windowsOfLikeLengthStayApart() throws IOException {
        var run = read("""
                {"kind":"train","step":10,"loss":2}
                {"kind":"train","step":20,"loss":1}
                """);
        assertThat(run.train()).extracting(RunHistory.Train::loss).containsExactly(2.0, 1.0);
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
