package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

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
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import dev.espalier.json.Json;
import dev.espalier.report.EventReader;
import dev.espalier.report.RunHistory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** The loop itself, on a model so small that what it learns does not matter. */
class TrainerTest {
    private static final int STEPS = 20; // 2.5 epochs of 8 batches

    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .adapter(LoraSpec.defaults().withDropout(0.05))
                .options(options().build());
    }

    private static TrainingOptions.Builder options() {
        return TrainingOptions.builder()
                .batchSize(15)
                .maxTokens(16)
                .learningRate(1e-2)
                .maxSteps(STEPS)
                .evaluateEvery(6)
                .logEvery(4);
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

        var parts = new ArrayList<>(stopAfter(described, stopAt, false));
        assertThat(parts).hasSize(stopAt);
        assertThat(run().resolve("adapter/adapter_model.safetensors")).exists();
        var rest = new Losses();
        var result = described.listener(rest).resume(run());
        parts.addAll(rest.all());

        assertThat(parts).isEqualTo(whole.all());
        assertSameRuns(folder.resolve("whole"), run());
        assertThat(result.stopped()).isFalse();
        assertThat(result.step()).isEqualTo(STEPS);
        assertThat(result.bestStep()).isEqualTo(expected.bestStep());
    }

    @Test
    void whatWasWrittenAfterTheSavedStateIsWrittenAnew() throws IOException {
        training.run(folder.resolve("whole"));
        stopAfter(training, 7, false);
        var saved = Files.readAllBytes(new RunFolder(run()).state());
        stopAfter(training, 15, true);
        Files.write(new RunFolder(run()).state(), saved); // as if the machine had gone down at step 15
        training.resume(run());
        assertSameRuns(folder.resolve("whole"), run());
    }

    @Test
    void otherFormatsOfTheMetricsAreWrittenOnRequestAndResumedToo() throws IOException {
        training.run(folder.resolve("plain"));
        assertThat(folder.resolve("plain/metrics.csv")).doesNotExist();
        assertThat(folder.resolve("plain/tensorboard")).doesNotExist();

        var described = training.options(options().csv(true).tensorboard(true).build());
        described.run(folder.resolve("whole"));
        stopAfter(described, 7, false);
        var saved = Files.readAllBytes(new RunFolder(run()).state());
        stopAfter(described, 15, true);
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
        var described = training.options(options().csv(true).tensorboard(true).build());
        described.run(folder.resolve("whole"));
        stopAfter(training, 7, false);
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

    /** Runs or resumes, and stops after step {@code stopAt}; the losses. */
    private List<Double> stopAfter(Training described, int stopAt, boolean resume) {
        var trainers = new ArrayList<Trainer>(); // the listener is there before its trainer
        var losses = new Losses(step -> {
            if (step == stopAt) {
                trainers.get(0).stop();
            }
        });
        trainers.add(described.listener(losses).trainer(run()));
        var result = resume ? trainers.get(0).resume() : trainers.get(0).run();
        assertThat(result.stopped()).isTrue();
        assertThat(result.step()).isEqualTo(stopAt);
        return losses.all();
    }

    private static void assertSameRuns(Path expected, Path actual) throws IOException {
        for (var file : List.of("adapter/adapter_model.safetensors", "adapter/adapter_config.json")) {
            assertThat(actual.resolve(file)).hasSameBinaryContentAs(expected.resolve(file));
        }
        assertThat(linesWithoutTimes(actual)).isEqualTo(linesWithoutTimes(expected));
    }

    private static List<String> linesWithoutTimes(Path run) throws IOException {
        var lines = new ArrayList<String>();
        for (var line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            var object = (ObjectNode) Json.mapper().readTree(line);
            object.remove(List.of("tokens_per_second", "seconds", "train_seconds", "memory_mb", "peak_memory_mb"));
            lines.add(object.toString());
        }
        return lines;
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
        assertSameRuns(folder.resolve("whole"), run());
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
    void aRunIsResumedWithItsOwnSettingsOnly() {
        stopAfter(training, 2, false);
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
