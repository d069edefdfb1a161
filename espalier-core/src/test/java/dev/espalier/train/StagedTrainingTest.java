package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Mixtures;
import dev.espalier.data.Split;
import dev.espalier.error.InputException;
import dev.espalier.report.RunHistory;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs whose adapter trains in stages, on a model so small that what it learns does not matter. */
class StagedTrainingTest {
    private static final int STEPS = 20; // stages end after 6, 14 and 20 of them

    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .task(Snips.length())
                .adapter(Mixtures.of("modula").with(m -> m.rank(2).alpha(4)))
                .options(options().build());
    }

    private static TrainingOptions.Builder options() {
        return TinyModel.options()
                .maxSteps(STEPS)
                .evaluateEvery(5)
                .logEvery(1)
                .weightDecay(.1)
                .metric("loss");
    }

    @Test
    @SuppressWarnings("try") // guard and scope work by being open
    void aStageChangesItsWeightsAndLeavesAllOthersToTheBit() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var adapted = AdaptedModel.create(training);
                var session = new Session(training, adapted)) {
            var stages = new ArrayList<Map<String, double[]>>();
            stages.add(values(session.weights));
            for (int step = 0; step < STEPS; step++) {
                if (session.stages.beginsAt(step)) {
                    stages.add(values(session.weights));
                    session.nextStage();
                    session.training().forEach(p -> assertThat(
                                    Fixtures.doubles(session.optimizer.state().get(p.name() + ".exp_avg")))
                            .as(p.name() + " begins anew")
                            .containsOnly(0));
                }
                var batch = session.batcher.batch(0, step % session.batcher.batchesPerEpoch());
                session.step.run(List.of(batch), session.random.at(step));
                session.optimizer.step(session.gradients(batch.task()), session.stages.rate(step));
            }
            stages.add(values(session.weights));
            assertThat(stages).hasSize(4);
            int modules = adapted.adapter().deltas().size();
            int heads = 2 * 4;
            assertThat(changed(stages.get(0), stages.get(1)))
                    .hasSize(2 * modules + heads)
                    .allMatch(name -> name.contains(".universal.") || name.startsWith("heads."));
            assertThat(changed(stages.get(1), stages.get(2)))
                    .hasSize(2 * modules + heads)
                    .allMatch(name -> name.contains(".experts.") || name.startsWith("heads."));
            assertThat(changed(stages.get(2), stages.get(3)))
                    .hasSize(modules)
                    .allMatch(name -> name.contains(".router."));
        }
    }

    private static Map<String, double[]> values(List<Parameter> parameters) {
        var values = new LinkedHashMap<String, double[]>();
        parameters.forEach(p -> values.put(p.name(), Fixtures.doubles(p.value())));
        return values;
    }

    private static TreeSet<String> changed(Map<String, double[]> before, Map<String, double[]> after) {
        var changed = new TreeSet<String>();
        before.forEach((name, values) -> {
            if (!Arrays.equals(values, after.get(name))) {
                changed.add(name);
            }
        });
        return changed;
    }

    @Test
    @SuppressWarnings("try") // guard and scope work by being open
    void inTheExpertsStageATaskTrainsAndIsJudgedByItsOwnExpert() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var adapted = AdaptedModel.create(training);
                var session = new Session(training, adapted)) {
            session.nextStage();
            var batch = session.batcher.batch(0, 0);
            session.step.run(List.of(batch), session.random.at(0));
            var b = adapted.adapter().parameters().stream()
                    .filter(p -> p.name().contains("experts.lora_B"))
                    .toList();
            for (var parameter : b) {
                var gradient = session.step.gradients().of(parameter).view(-1, 2, 2);
                assertThat(gradient.select(1, batch.task()).abs().sum().item_double())
                        .isPositive();
                assertThat(gradient.select(1, 1L - batch.task()).abs().sum().item_double())
                        .isZero();
            }
            // Only the first task's expert does anything.
            b.forEach(p -> p.value().view(-1, 2, 2).select(1, 0).fill_(new Scalar(.5)));
            double first = session.evaluate(0, Split.VALIDATION, 0).loss();
            double second = session.evaluate(1, Split.VALIDATION, 0).loss();
            adapted.adapter().disable();
            assertThat(session.evaluate(0, Split.VALIDATION, 0).loss()).isNotCloseTo(first, within(1e-4));
            assertThat(session.evaluate(1, Split.VALIDATION, 0).loss()).isEqualTo(second);
            adapted.adapter().enable();
        }
    }

    @ParameterizedTest
    @CsvSource({"modula, 3", "modula, 6", "modula, 10", "modula, 14", "modula, 17", "tt-lora-moe, 9", "tt-lora-moe, 16"
    })
    void aRunThatWasStoppedInAnyStageEqualsAnUninterruptedOne(String method, int stopAt) throws IOException {
        var described = training.adapter(Mixtures.of(method).with(m -> m.rank(2)))
                .options(options().evaluateEvery(7).accumulation(2).build());
        var whole = new Losses();
        var expected = described.listener(whole).run(folder.resolve("whole"));
        var losses = new ArrayList<>(StoppedRuns.begin(described, folder.resolve("run"), stopAt));
        var rest = new Losses();
        var result = described.listener(rest).resume(folder.resolve("run"));
        losses.addAll(rest.all());

        assertThat(losses).isEqualTo(whole.all()).hasSize(STEPS);
        assertThat(result.bestStep()).isEqualTo(expected.bestStep());
        StoppedRuns.assertSame(folder.resolve("whole"), folder.resolve("run"));
    }

    @Test
    void theRunTellsItsStagesAndEachHasAScheduleOfItsOwn() throws IOException {
        training.run(folder.resolve("run"));
        var history = RunHistory.read(folder.resolve("run"));
        assertThat(history.stages())
                .containsExactly(
                        new RunHistory.Stage(0, "universal"),
                        new RunHistory.Stage(6, "experts"),
                        new RunHistory.Stage(14, "router"));
        var rates = history.train().stream().map(RunHistory.Train::learningRate).toList();
        for (int begin : new int[] {0, 6, 14}) {
            assertThat(rates.get(begin)).isEqualTo(1e-2);
        }
        assertThat(rates.get(5)).isCloseTo(1e-2 / 6, within(1e-9));
        assertThat(rates.get(13)).isCloseTo(1e-2 / 8, within(1e-9));
        assertThat(StoppedRuns.lines(folder.resolve("run")).stream()
                        .filter(line -> line.contains("\"train\"") && line.contains("\"experts\"")))
                .hasSize(8);
        assertThat(folder.resolve("run/report.html")).content().contains("experts from step 6");
    }

    @Test
    void theBestIsThatOfTheLastStageWhoseRouterIsTrained() {
        var result = training.run(folder.resolve("run"));
        assertThat(result.bestStep()).isGreaterThan(14);
        long perModule = 2 * (64 + 64) + 2 * 2 * (64 + 64) + 3 * 64;
        assertThat(result.trainedWeightsAdapter()).isEqualTo(4 * perModule);
        try (var opened = AdaptedModel.open(folder.resolve("run"))) {
            assertThat(opened.evaluate("intent", Snips.intent().test()).loss())
                    .isEqualTo(result.tests().get(0).loss());
        }
    }

    @Test
    void patienceEndsTheLastStageOnly() {
        var still = options().learningRate(0).patience(1).evaluateEvery(2).build();
        var result = training.options(still).run(folder.resolve("run"));
        assertThat(result.stopped()).isFalse();
        assertThat(result.bestStep()).isEqualTo(16);
        assertThat(result.step()).isEqualTo(18);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aRunWithoutRoomForAStageIsRefused(int steps) {
        var few = training.options(options().maxSteps(steps).build());
        assertThatThrownBy(() -> few.run(folder.resolve("run")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("A run of " + steps + " steps has no room for the stage '")
                .hasMessageEndingWith("' among universal, experts, router; raise its share, or train for longer.");
        assertThat(folder.resolve("run")).doesNotExist();
    }
}
