package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.AdaLoraSpec;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.BoostedLora;
import dev.espalier.adapter.CubicBudget;
import dev.espalier.adapter.DynamicRankLora;
import dev.espalier.adapter.GrowingLora;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.LoraSpec.Initialisation;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.PyramidLora;
import dev.espalier.adapter.StructuredLoraSpec;
import dev.espalier.error.InputException;
import dev.espalier.report.EventReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs that are stopped, by hand or by a fault, and resumed. */
class ResumeTest {
    private static final int STEPS = TrainerTest.STEPS;

    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = TrainerTest.training(folder);
    }

    private static TrainingOptions.Builder options() {
        return TrainerTest.options();
    }

    private Path run() {
        return folder.resolve("run");
    }

    @ParameterizedTest
    @CsvSource({
        "lora, ADAMW, 3",
        "lora, ADAFACTOR, 6",
        "sira, ADAMW, 13",
        "smora, ADAMW, 8",
        "lora, ADAMW, 19",
        "pissa, ADAMW, 4",
        "adalora, ADAMW, 9",
        "xgblora, ADAMW, 9",
        "dynamic-rank-dora, ADAMW, 6",
        "increlora, ADAMW, 7",
        "msplora, ADAFACTOR, 6",
        "adamix, ADAMW, 9",
        "riemannian-mole, ADAFACTOR, 7",
        "riemannian, ADAMW, 5"
    })
    void aStoppedAndResumedRunEqualsAnUninterruptedOne(String method, OptimizerKind optimizer, int stopAt)
            throws IOException {
        AdapterSpec adapter =
                switch (method) {
                    case "lora" -> LoraSpec.defaults().withDropout(0.05);
                    case "xgblora" -> StructuredLoraSpec.of(new BoostedLora(3)).withRank(1, 2);
                    case "dynamic-rank-dora" ->
                        StructuredLoraSpec.of(new DynamicRankLora(1.5)).withRank(2, 4);
                    case "increlora" ->
                        StructuredLoraSpec.of(new GrowingLora(4, 2, 3)).withRank(2, 4);
                    case "msplora" ->
                        StructuredLoraSpec.of(new PyramidLora(2, 2)).withDropout(.1);
                    case "adalora" -> AdaLoraSpec.defaults().withBudget(4, 2, new CubicBudget(2, 5, 2));
                    case "pissa" ->
                        LoraSpec.defaults()
                                .withInitialisation(Initialisation.PISSA)
                                .withLearningRateRatio(4);
                    case "riemannian" -> LoraSpec.defaults().withRiemannianEpsilon(1e-6);
                    default -> Mixtures.of(method).with(m -> m.experts(4).topK(2));
                };
        var described = training.adapter(adapter)
                .options(options().optimizer(optimizer).accumulation(2).build());
        var whole = new Losses();
        var expected = described.listener(whole).run(folder.resolve("whole"));

        var parts = new ArrayList<>(StoppedRuns.begin(described, run(), stopAt));
        assertThat(parts).hasSize(stopAt);
        assertThat(run().resolve("adapter/adapter_model.safetensors")).exists();
        var rest = new Losses();
        var result = described.listener(rest).resume(run());
        parts.addAll(rest.all());

        assertThat(parts).isEqualTo(whole.all());
        StoppedRuns.assertSame(folder.resolve("whole"), run());
        assertThat(result.stopped()).isFalse();
        assertThat(result.step()).isEqualTo(STEPS);
        assertThat(result.bestStep()).isEqualTo(expected.bestStep());
    }

    @Test
    void whatWasWrittenAfterTheSavedStateIsWrittenAnew() throws IOException {
        training.run(folder.resolve("whole"));
        StoppedRuns.begin(training, run(), 7);
        var saved = Files.readAllBytes(new RunFolder(run()).state());
        StoppedRuns.goOn(training, run(), 15);
        Files.write(new RunFolder(run()).state(), saved); // as if the machine had gone down at step 15
        training.resume(run());
        StoppedRuns.assertSame(folder.resolve("whole"), run());
    }

    @Test
    void otherFormatsOfTheMetricsAreWrittenOnRequestAndResumedToo() throws IOException {
        training.run(folder.resolve("plain"));
        assertThat(folder.resolve("plain/metrics.csv")).doesNotExist();
        assertThat(folder.resolve("plain/tensorboard")).doesNotExist();

        var described = training.options(
                options().log(new LogOptions(4, true, true, false)).build());
        described.run(folder.resolve("whole"));
        StoppedRuns.begin(described, run(), 7);
        var saved = Files.readAllBytes(new RunFolder(run()).state());
        StoppedRuns.goOn(described, run(), 15);
        Files.write(new RunFolder(run()).state(), saved);
        described.resume(run());

        assertThat(csv(run())).isEqualTo(csv(folder.resolve("whole"))).contains("train,4,,grad_norm");
        assertThat(tags(run()))
                .isEqualTo(tags(folder.resolve("whole")))
                .contains("4 train/loss", "6 validation/intent/accuracy");
        // Both tell the same numbers, of which the file of events begins with its version.
        assertThat(tags(run())).hasSameSizeAs(csv(run()));
    }

    @Test
    void aFormatThatIsAskedForWhenResumingTellsOfTheStepsBeforeToo() throws IOException {
        var described = training.options(
                options().log(new LogOptions(4, true, true, false)).build());
        described.run(folder.resolve("whole"));
        StoppedRuns.begin(training, run(), 7);
        assertThat(run().resolve("metrics.csv")).doesNotExist();
        described.resume(run());

        assertThat(csv(run())).isEqualTo(csv(folder.resolve("whole")));
        assertThat(tags(run())).isEqualTo(tags(folder.resolve("whole")));
    }

    /** Kind, step, subject and metric of every row; values are compared line by line elsewhere. */
    private static List<String> csv(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.csv")).stream()
                .map(row -> row.substring(0, row.lastIndexOf(',')))
                .toList();
    }

    private static List<String> tags(Path run) throws IOException {
        return EventReader.read(Files.readAllBytes(new RunFolder(run).tensorBoard())).stream()
                .map(scalar -> scalar.step() + " " + scalar.tag())
                .toList();
    }

    @Test
    void aSaveThatFailsLosesNothing() throws IOException {
        training.run(folder.resolve("whole"));
        var state = run().resolve("state");
        var losses = new Losses(step -> {
            if (step == 8) {
                replaceByFile(state); // no folder, so nothing can be written into it
            }
        });
        assertThatThrownBy(() -> training.listener(losses).run(run()))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Cannot write " + state.resolve("training.safetensors"));
        assertThat(losses.all()).hasSize(12);
        Files.delete(state);
        Files.move(folder.resolve("kept"), state);
        training.resume(run());
        StoppedRuns.assertSame(folder.resolve("whole"), run());
    }

    private void replaceByFile(Path state) {
        try {
            Files.move(state, folder.resolve("kept"));
            Files.createFile(state);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aRunIsResumedWithItsOwnSettingsOnly() {
        StoppedRuns.begin(training, run(), 2);
        assertThatThrownBy(() -> training.run(run())).hasMessageContaining("go on with it by --resume");
        var other = training.options(options().learningRate(3e-3).build());
        assertThatThrownBy(() -> other.resume(run()))
                .isInstanceOf(InputException.class)
                .hasMessage("The run was started with learning-rate 0.01, but now it is 0.003; resume it with the same"
                        + " recipe, or start another run.");
        var data = Training.of(training.model()).task(Snips.longWords()).options(training.options());
        assertThatThrownBy(() -> data.adapter(training.adapter()).resume(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("training data of long-words");
    }

    @Test
    void aFinishedRunIsNotResumed() {
        training.run(run());
        assertThatThrownBy(() -> training.resume(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("is finished");
    }
}
