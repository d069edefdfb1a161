package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.DensePhase;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.SelectionPlan;
import dev.espalier.adapter.SelectionScope;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.importance.SelectionScore;
import dev.espalier.report.RunHistory;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs of sparse adapters: stopped and resumed at any time, on encoders and decoders, for several tasks. */
class SparseTrainingTest {
    private static final int STEPS = TrainerTest.STEPS;

    @TempDir
    Path folder;

    private Training training() {
        return Training.of(TinyModel.in(folder.resolve("model"))).task(Snips.intent());
    }

    private static TrainingOptions.Builder options() {
        return TrainerTest.options();
    }

    static AdapterSpec spec(String name) {
        var sparse = SparseSpec.sparse().withPlan(new SelectionPlan.InFirstEpoch(3, false, DensePhase.FACTORED));
        return switch (name) {
            case "elements" -> sparse;
            case "blocks" -> sparse.withBlockSize(16);
            case "adamw" -> sparse.withPlan(new SelectionPlan.InFirstEpoch(3, false, DensePhase.ADAMW));
            case "global" -> sparse.choosing(SelectionScore.SENSITIVITY, SelectionScope.GLOBAL, false);
            case "layer-drop" -> sparse.choosing(SelectionScore.GRADIENT, SelectionScope.MATRIX, true);
            case "once" -> sparse.withPlan(new SelectionPlan.InFirstEpoch(3, true, DensePhase.FACTORED));
            case "random" -> sparse.choosing(SelectionScore.RANDOM, SelectionScope.MATRIX, false);
            case "lt-sft" -> SparseSpec.ltSft();
            case "lt-sft-adamw" -> SparseSpec.ltSft().withPlan(new SelectionPlan.Rewound(.5, DensePhase.ADAMW));
            case "spiel" -> SparseSpec.spiel().withPlan(new SelectionPlan.DropAndGrow(4, .5));
            case "shira" -> SparseSpec.shira().withRank(2);
            case "shira-gradient" ->
                SparseSpec.shira().withRank(2).choosing(SelectionScore.GRADIENT, SelectionScope.MATRIX, false);
            case "full" -> FullSpec.defaults();
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** While whole matrices train, between selections, just before and after one, and when all are over. */
    @ParameterizedTest
    @CsvSource({
        "elements, ADAMW, 2",
        "elements, ADAMW, 3",
        "elements, ADAMW, 5",
        "elements, ADAFACTOR, 8",
        "elements, ADAMW, 14",
        "blocks, ADAMW, 7",
        "blocks, ADAFACTOR, 15",
        "adamw, ADAMW, 2",
        "adamw, ADAMW, 7",
        "adamw, ADAMW, 13",
        "adamw, ADAFACTOR, 13",
        "global, ADAMW, 7",
        "global, ADAMW, 13",
        "layer-drop, ADAMW, 13",
        "once, ADAMW, 6",
        "random, ADAMW, 5",
        "lt-sft, ADAMW, 9",
        "lt-sft-adamw, ADAMW, 13",
        "spiel, ADAMW, 9",
        "shira, ADAMW, 9",
        "shira-gradient, ADAMW, 9",
        "full, ADAMW, 9"
    })
    void aStoppedAndResumedRunEqualsAnUninterruptedOne(String method, OptimizerKind optimizer, int stopAt) {
        var described = training()
                .adapter(spec(method))
                .options(options().optimizer(optimizer).accumulation(2).build());
        var whole = new Losses();
        described.listener(whole).run(folder.resolve("whole"));

        var run = folder.resolve("run");
        var losses = new ArrayList<>(StoppedRuns.begin(described, run, stopAt));
        assertThat(run.resolve("adapter/adapter_model.safetensors")).exists();
        var rest = new Losses();
        described.listener(rest).resume(run);

        losses.addAll(rest.all());
        assertThat(losses).isEqualTo(whole.all()).hasSize(STEPS);
        StoppedRuns.assertSameAdapters(folder.resolve("whole"), run);
    }

    /** What was best is what is saved, whatever became of the adapter's shape afterwards. */
    @ParameterizedTest
    @ValueSource(strings = {"elements", "global", "adamw", "lt-sft", "full"})
    void theAdapterFolderHoldsTheBestValidation(String method) {
        var described = training()
                .adapter(spec(method))
                .options(options()
                        .learningRate(.3)
                        .warmUpRatio(1)
                        .metric("loss")
                        .evaluateEvery(1)
                        .build());
        var result = described.run(folder.resolve("run"));
        assertThat(result.bestStep()).isLessThan(STEPS);
        var losses = RunHistory.read(folder.resolve("run")).validations().stream()
                .map(v -> v.metrics().get("loss"))
                .toList();
        try (var opened = AdaptedModel.open(folder.resolve("run"))) {
            assertThat(opened.evaluate("intent", Snips.intent().validation()).loss())
                    .isEqualTo(losses.get(result.bestStep() - 1));
            assertThat(opened.evaluate("intent", Snips.intent().test()).metrics())
                    .isEqualTo(result.tests().get(0).metrics());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"elements", "blocks", "global", "spiel", "full"})
    void severalTasksTrainOneAdapter(String method) throws IOException {
        var result = training()
                .task(Snips.length())
                .adapter(spec(method))
                .options(options().build())
                .run(folder.resolve("run"));
        assertThat(result.tests()).hasSize(2);
        try (var opened = AdaptedModel.open(folder.resolve("run"))) {
            for (var test : result.tests()) {
                var task = test.task().equals("intent") ? Snips.intent() : Snips.length();
                assertThat(opened.evaluate(test.task(), task.test()).metrics()).isEqualTo(test.metrics());
            }
        }
    }

    /** The number of workers and micro-batches is of no matter once entries are chosen. */
    @Test
    void workersShareTheWorkWhereNothingDenseTrains() {
        var described = training().adapter(spec("shira")).options(options().build());
        var one = new Losses();
        var two = new Losses();
        described.options(options().workers(1).build()).listener(one).run(folder.resolve("one"));
        described.options(options().workers(2).build()).listener(two).run(folder.resolve("two"));
        for (int i = 0; i < STEPS; i++) {
            assertThat(two.all().get(i)).isCloseTo(one.all().get(i), within(1e-4));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "elements, SHIRA, shira_weight",
        "spiel, SHIRA, shira_weight",
        "lt-sft, SHIRA, shira_weight",
        "shira, SHIRA, shira_weight",
        "blocks, ESPALIER_SPARSE, sparse_block.weight",
        "global, ESPALIER_SPARSE, shira_weight",
        "layer-drop, ESPALIER_SPARSE, shira_weight",
        "full, ESPALIER_FULL, weight"
    })
    void theFolderHasPeftsTypeWhereItCan(String method, String type, String key) throws IOException {
        var result = training().adapter(spec(method)).options(options().build()).run(folder.resolve("run"));
        var adapter = result.folder().adapter();
        assertThat(Files.readString(adapter.resolve("adapter_config.json")))
                .contains("\"peft_type\" : \"" + type + "\"");
        try (var saved = AdapterFolder.open(adapter);
                var file = SafetensorsFile.open(adapter.resolve(AdapterFolder.WEIGHTS))) {
            assertThat(file.names()).anyMatch(name -> name.endsWith("query." + key));
            assertThat(saved.trainedWeights()).isEqualTo(result.trainedWeights());
        }
    }

    /** With packed rows and blocks computed again; what is written is written with few tokens at a time. */
    @ParameterizedTest
    @CsvSource({"elements, fp32, .6", "elements, bf16, .6", "blocks, bf16, .6", "spiel, fp32, .8", "full, fp32, .6"})
    void aDecoderTrainsSparselyToo(String method, String dtype, double left) throws URISyntaxException {
        var model = Path.of(getClass().getResource("/models/stories260K").toURI());
        var described = Training.of(model.toString())
                .task(Snips.written())
                .adapter(spec(method))
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .batchSize(4)
                        .maxTokens(96)
                        .learningRate(1e-2)
                        .maxSteps(STEPS)
                        .evaluateEvery(STEPS)
                        .dtype(dtype)
                        .packing(true)
                        .gradientCheckpointing(true)
                        .generateTokens(3)
                        .build());
        var losses = new Losses();
        var result = described.listener(losses).run(folder.resolve("run"));
        assertThat(losses.last(3)).isLessThan(losses.first(1) * left);
        try (var opened = AdaptedModel.open(folder.resolve("run"), dtype, 1)) {
            var again = opened.evaluate("written", Snips.written().test(), 3);
            assertThat(again.metrics()).isEqualTo(result.tests().get(0).metrics());
        }
    }
}
