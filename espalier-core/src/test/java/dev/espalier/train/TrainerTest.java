package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import dev.espalier.json.Json;
import dev.espalier.report.RunHistory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The loop itself, on a model so small that what it learns does not matter. */
class TrainerTest {
    static final int STEPS = 20; // 2.5 epochs of 8 batches

    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = training(folder);
    }

    /** LoRA on one task, with a model in {@code folder}. */
    static Training training(Path folder) {
        return Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .adapter(LoraSpec.defaults().withDropout(0.05))
                .options(options().build());
    }

    static TrainingOptions.Builder options() {
        return TinyModel.options().maxSteps(STEPS).evaluateEvery(6).logEvery(4);
    }

    private Path run() {
        return folder.resolve("run");
    }

    @Test
    void theSameSeedGivesTheSameLossesToTheLastBit() {
        var first = losses(training, "first");
        assertThat(losses(training, "second")).isEqualTo(first).hasSize(STEPS);
        var other = training.options(options().seed(1).build());
        assertThat(losses(other, "third")).doesNotContainAnyElementsOf(first);
    }

    private List<Double> losses(Training training, String name) {
        var losses = new Losses();
        training.listener(losses).run(folder.resolve(name));
        return losses.all();
    }

    @Test
    void aRunOfAMixtureThatChoosesTellsItsKernels() throws IOException {
        training.adapter(Mixtures.sira().with(m -> m.experts(4).topK(2))).run(folder.resolve("sira"));
        var first = Json.mapper()
                .readTree(
                        Files.readAllLines(folder.resolve("sira/metrics.jsonl")).get(0));
        assertThat(first.path("kind").asString()).isEqualTo("kernels");
        assertThat(first.path("tokens").asInt()).isPositive();
        assertThat(first.path("kernels").propertyNames())
                .isNotEmpty()
                .allMatch(name -> name.startsWith("bert.encoder."));
        assertThat(first.path("kernels").values())
                .allMatch(kernel -> List.of("dense", "gathered").contains(kernel.asString()));

        training.run(folder.resolve("lora"));
        assertThat(folder.resolve("lora/metrics.jsonl")).content().doesNotContain("kernels");
    }

    @Test
    void theAdapterFolderHoldsTheBestValidation() {
        // The rate rises all along and far too high, so that the last weights are not the best.
        var described = training.options(options()
                .learningRate(2)
                .warmUpRatio(1)
                .metric("loss")
                .evaluateEvery(2)
                .build());
        var result = described.run(run());
        var history = RunHistory.read(run());
        var losses =
                history.validations().stream().map(v -> v.metrics().get("loss")).toList();
        assertThat(losses).hasSize(STEPS / 2);
        double least = losses.stream().mapToDouble(x -> x).min().orElseThrow();
        assertThat(result.bestStep()).isEqualTo(2 * (losses.indexOf(least) + 1)).isLessThan(STEPS);
        try (var opened = AdaptedModel.open(run())) {
            var task = Snips.intent();
            assertThat(opened.evaluate("intent", task.validation()).loss()).isEqualTo(least);
            assertThat(opened.evaluate("intent", task.test()).metrics())
                    .isEqualTo(result.tests().get(0).metrics());
        }
    }

    @Test
    void withoutValidationTheLastWeightsCount() {
        var task = Snips.intent();
        var described = Training.of(training.model())
                .task(new TaskData(
                        task.name(), task.kind(), task.train(), List.of(), task.test(), task.labels(), Map.of()))
                .options(options().build());
        var result = described.run(run());
        assertThat(result.bestStep()).isEqualTo(STEPS);
        try (var opened = AdaptedModel.open(run().resolve("adapter"))) {
            assertThat(opened.evaluate("intent", task.test()).loss())
                    .isEqualTo(result.tests().get(0).loss());
        }
    }

    @Test
    void aRunThatNoLongerImprovesStopsEarly() {
        var still = options()
                .learningRate(0)
                .metric("loss")
                .patience(2)
                .evaluateEvery(3)
                .build();
        var result = training.options(still).run(run());
        assertThat(result.stopped()).isFalse();
        assertThat(result.bestStep()).isEqualTo(3);
        assertThat(result.step()).isEqualTo(9);
        assertThat(result.steps()).isEqualTo(STEPS);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1})
    void aLossThatIsNoNumberStopsTheRunAndKeepsTheLastGoodState(double clipNorm) {
        var wild =
                training.options(options().learningRate(1e38).clipNorm(clipNorm).build());
        assertThatThrownBy(() -> wild.run(run()))
                .isInstanceOf(InputException.class)
                .hasMessageMatching("Training diverged at step \\d+: .*lower learning-rate.*" + run() + "\\.");
        try (var file = new TrainingState.File(new RunFolder(run()).state())) {
            assertThat(file.state().step()).isZero();
            file.weights().values().forEach(weight -> assertThat(
                            weight.isfinite().all().item_bool())
                    .isTrue());
        }
    }

    @Test
    void aFolderThatExistsIsLeftAlone() throws IOException {
        Files.createDirectories(run());
        Files.writeString(run().resolve("notes.txt"), "mine");
        assertThatThrownBy(() -> training.run(run()))
                .isInstanceOf(InputException.class)
                .hasMessage("The run folder " + run() + " exists already: remove it or choose another --output.");
        assertThatThrownBy(() -> training.resume(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("holds no saved state");
        assertThat(run()).isDirectoryContaining("glob:**/notes.txt");
    }

    @Test
    void aMistakeInTheSetUpLeavesNoFolder() {
        var wrong = training.adapter(LoraSpec.defaults().withTargets(TargetModules.of("quary")));
        assertThatThrownBy(() -> wrong.run(run())).isInstanceOf(InputException.class);
        assertThat(run()).doesNotExist();
        var metric = training.options(options().metric("pearson").build());
        assertThatThrownBy(() -> metric.run(run())).hasMessageContaining("no metric of a single-label task");
        assertThat(run()).doesNotExist();
    }

    @Test
    void theRunFolderTellsWhatHappened() throws IOException {
        var result = training.recipe("model: tiny\n").run(run());
        var history = RunHistory.read(run());
        assertThat(history.train()).extracting(RunHistory.Train::step).containsExactly(4, 8, 12, 16, 20);
        assertThat(history.validations())
                .extracting(RunHistory.Validation::step)
                .containsExactly(6, 12, 18, 20);
        var test = history.test("intent").orElseThrow();
        assertThat(test.metrics())
                .containsKeys("loss", "accuracy", "macro_f1", "accuracy_low", "accuracy_high")
                .containsEntry("accuracy", result.tests().get(0).value(Metric.ACCURACY));
        assertThat(test.labels()).hasSize(7);
        assertThat(test.confusion().stream()
                        .flatMap(List::stream)
                        .mapToLong(x -> x)
                        .sum())
                .isEqualTo(40);
        var summary = history.summary().orElseThrow();
        assertThat(summary.method()).isEqualTo("lora");
        assertThat(summary.trainedWeightsAdapter()).isEqualTo(2 * 2 * (8 * 64 + 64 * 8));
        assertThat(summary.trainedWeights() - summary.trainedWeightsAdapter()).isEqualTo(7 * 64 + 7);
        assertThat(summary.steps()).isEqualTo(STEPS);
        assertThat(summary.peakMemoryMb()).isGreaterThan(50);
        assertThat(history.train())
                .allSatisfy(line -> assertThat(line.memoryMb()).isBetween(50.0, summary.peakMemoryMb()));
        assertThat(summary.trainSeconds()).isPositive().isLessThan(summary.seconds());
        assertThat(summary.trainTokens() / summary.trainSeconds())
                .isCloseTo(summary.tokensPerSecond(), withinPercentage(0.01));
        assertThat(run().resolve("recipe.yaml")).hasContent("model: tiny\n");
        assertThat(run().resolve("report.html")).content().contains("intent");
    }
}
