package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.TargetModules;
import dev.espalier.allocation.Grouping;
import dev.espalier.allocation.MatrixShape;
import dev.espalier.allocation.PercentileRule;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.allocation.Stability;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SensitivityProbeTest {
    private static final ProbeOptions OPTIONS = ProbeOptions.DEFAULT.withSamples(6);

    @TempDir
    private Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .task(Snips.length())
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .batchSize(15)
                        .maxTokens(16)
                        .build());
    }

    @Test
    void everyTaskIsMeasuredOnEveryMatrixOfTheBody() {
        var probed = SensitivityProbe.of(training, OPTIONS).run();

        assertThat(probed.sensitivities().tasks()).containsOnlyKeys("intent", "length");
        assertThat(probed.matrices().modules())
                .hasSize(12)
                .startsWith("bert.encoder.layer.0.attention.self.query", "bert.encoder.layer.0.attention.self.key")
                .noneMatch(module -> module.contains("pooler") || module.contains("classifier"));
        assertThat(probed.matrices().shapes())
                .containsEntry("bert.encoder.layer.1.intermediate.dense", new MatrixShape(96, 64));
        assertThat(probed.samples()).containsEntry("intent", 6).containsEntry("length", 6);
        probed.sensitivities()
                .tasks()
                .forEach((task, values) -> values.forEach((module, value) ->
                        assertThat(value).as(task + " " + module).isGreaterThan(halfOf(probed, task, module))));
    }

    private static double halfOf(Probed probed, String task, String module) {
        return probed.firstHalf().orElseThrow().values(task, List.of(module))[0];
    }

    @Test
    void theSameSeedMeasuresTheSameAndAnotherSeedAnotherSample() {
        var first = SensitivityProbe.of(training, OPTIONS).run().sensitivities();

        assertThat(SensitivityProbe.of(training, OPTIONS).run().sensitivities()).isEqualTo(first);
        var other = training.options(training.options().toBuilder().seed(1).build());
        assertThat(SensitivityProbe.of(other, OPTIONS).run().sensitivities()).isNotEqualTo(first);
    }

    /** The same on the first rows of one task. */
    private Training of(int rows) {
        var task = Snips.intent();
        return Training.of(training.model())
                .task(new TaskData(
                        task.name(),
                        task.kind(),
                        task.train().subList(0, rows),
                        List.of(),
                        List.of(),
                        task.labels(),
                        Map.of()))
                .options(training.options());
    }

    @Test
    void whereNoHalfDiffersFromTheWholeNothingIsSaidOfStability() {
        var rule = new PercentileRule(50, Grouping.ALL);
        var oneRow = SensitivityProbe.of(of(1), OPTIONS).run();
        assertThat(oneRow.samples()).containsEntry("intent", 1);
        assertThat(oneRow.firstHalf()).isEmpty();
        assertThat(oneRow.stability(rule)).isEmpty();

        var oneRowForEachLayer = SensitivityProbe.of(
                        training, OPTIONS.withPass(ProbeOptions.Pass.BLOCKWISE).withSamples(3))
                .run();
        assertThat(oneRowForEachLayer.samples()).containsEntry("intent", 2);
        assertThat(oneRowForEachLayer.stability(rule)).isEmpty();

        // A task that has a half is not kept from its stability by one that has none.
        var both = SensitivityProbe.of(of(1).task(Snips.length()), OPTIONS).run();
        assertThat(both.stability(rule)).containsOnlyKeys("length");
    }

    @Test
    void aBlockwiseProbeOfFewRowsShowsEveryLayerAllOfThemOnce() {
        var blockwise = OPTIONS.withPass(ProbeOptions.Pass.BLOCKWISE);
        var probed = SensitivityProbe.of(of(2), blockwise.withSamples(60)).run();

        assertThat(probed.samples()).containsEntry("intent", 2);
        assertThat(probed.firstHalf()).isPresent();
        assertThat(probed.sensitivities())
                .isEqualTo(SensitivityProbe.of(of(2), blockwise.withSamples(4))
                        .run()
                        .sensitivities());
    }

    @ParameterizedTest
    @CsvSource({"2, 6, 10, 2", "6, 4, 5, 5", "5, 2, 9, 5", "1, 3, 7, 1", "7, 1, 64, 7", "9, 3, 2, 2"})
    void noLayerSeesARowTwice(int rows, int layers, int turns, int each) {
        var places = SensitivityProbe.places(rows, layers, turns);

        assertThat(places).hasSize(each * layers);
        for (int layer = 0; layer < layers; layer++) {
            int of = layer;
            assertThat(IntStream.range(0, each).map(turn -> places.get(turn * layers + of)))
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void aTaskWithFewerRowsIsMeasuredOnAllOfThemOnce() {
        var few = of(8);
        var all = SensitivityProbe.of(few, OPTIONS.withSamples(8)).run();
        var more = SensitivityProbe.of(few, OPTIONS.withSamples(500)).run();

        assertThat(more.samples()).containsEntry("intent", 8);
        assertThat(more.sensitivities()).isEqualTo(all.sensitivities());
    }

    @Test
    void aNewHeadIsTrainedFirstUnlessThatIsTurnedOff() {
        var trained = SensitivityProbe.of(training, OPTIONS).run().sensitivities();
        var untrained = SensitivityProbe.of(training, OPTIONS.withTrainHead(false))
                .run()
                .sensitivities();

        assertThat(untrained).isNotEqualTo(trained);
    }

    @Test
    void aBlockwiseProbeSharesTheSampleAmongTheLayers() {
        var options = OPTIONS.withPass(ProbeOptions.Pass.BLOCKWISE).withSamples(5);
        var probed = SensitivityProbe.of(training, options).run();

        assertThat(probed.samples()).containsEntry("intent", 4);
        assertThat(probed.sensitivities().tasks().values())
                .allSatisfy(task -> assertThat(task.values()).allMatch(value -> value > 0));
        assertThat(probed.firstHalf().orElseThrow().tasks().values())
                .allSatisfy(task -> assertThat(task.values()).allMatch(value -> value > 0));
    }

    @Test
    void onlyTheTargetsAreMeasured() {
        var options = OPTIONS.withTargets(TargetModules.of("query", "value"));
        var probed = SensitivityProbe.of(training, options).run();

        assertThat(probed.matrices().modules()).hasSize(4).allMatch(module -> module.matches(".*(query|value)"));
    }

    @Test
    void whatWasMeasuredIsAllocatedAndItsStabilityKnown() {
        var probed = SensitivityProbe.of(training, OPTIONS).run();
        var rule = new PercentileRule(50, Grouping.ALL);

        assertThat(rule.allocate(probed.matrices()).total()).isEqualTo(12);
        assertThat(probed.stability(rule).values())
                .hasSize(2)
                .allMatch(stability -> stability.chosen() == 6 && stability.common() >= 1);
        assertThat(Stability.of(rule, probed.matrices(), probed.sensitivities()).values())
                .allMatch(stability -> stability.jaccard() == 1);
        assertThatThrownBy(() -> probed.matrices()
                        .with(new Sensitivities(Map.of("intent", Map.of("model.layers.0.self_attn.q_proj", 1.0)))))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("model.layers.0.self_attn.q_proj");
    }

    @Test
    void tooFewSamplesAreRefused() {
        assertThatThrownBy(() -> ProbeOptions.DEFAULT.withSamples(1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("at least 2 samples");
        var deep = Training.of("all-minilm-l6-v2").task(Snips.intent());
        var options = new ProbeOptions(TargetModules.of("query"), 5, ProbeOptions.Pass.BLOCKWISE, false);
        assertThatThrownBy(() -> SensitivityProbe.of(deep, options).run())
                .isInstanceOf(InputException.class)
                .hasMessageContaining("one of the 6 layers on each row, so 5 samples are too few");
    }
}
