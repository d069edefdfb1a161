package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.HeadOnlySpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.RankGatedDelta;
import dev.espalier.adapter.TargetModules;
import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.AllocationRule;
import dev.espalier.allocation.Grouping;
import dev.espalier.allocation.ProportionalRule;
import dev.espalier.allocation.Sensitivities;
import dev.espalier.error.InputException;
import dev.espalier.report.AllocationFacts;
import dev.espalier.report.RunHistory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What modules are given before a run trains. */
class AllocationStageTest {
    private static final int STEPS = 8;

    @TempDir
    Path folder;

    private Training training = Training.of("");

    @BeforeEach
    void describe() {
        training = Training.of(TinyModel.in(folder.resolve("model")))
                .task(Snips.intent())
                .adapter(Mixtures.of(Mixtures.LORA_SMOE).with(m -> m.rank(2).alpha(4)))
                .options(TinyModel.options().maxSteps(STEPS).evaluateEvery(4).build());
    }

    private Path run() {
        return folder.resolve("run");
    }

    private static ProbeOptions probe() {
        return ProbeOptions.DEFAULT.withSamples(6);
    }

    private Map<String, Integer> experts(Path run) {
        var experts = new LinkedHashMap<String, Integer>();
        try (var adapted = AdaptedModel.open(run)) {
            adapted.adapter().deltas().forEach((path, delta) -> experts.put(path, ((RankGatedDelta) delta).experts()));
        }
        return experts;
    }

    @Test
    void loraSmoeMeasuresAllocatesAndTrainsWhatItAllocated() {
        training.allocation(AllocationPlan.usual(1, probe())).run(run());

        var allocation = Allocation.read(run().resolve("allocation.json"));
        assertThat(allocation.total())
                .as("one for each matrix on average")
                .isEqualTo(allocation.modules().size());
        assertThat(allocation.counts().values()).contains(0).anyMatch(count -> count > 1);
        assertThat(Sensitivities.read(run().resolve("sensitivities.json")).tasks())
                .containsOnlyKeys("intent");
        var chosen = new LinkedHashMap<>(allocation.counts());
        chosen.values().removeIf(count -> count == 0);
        assertThat(experts(run())).containsExactlyInAnyOrderEntriesOf(chosen);
        var facts = RunHistory.read(run()).allocated().orElseThrow().facts();
        assertThat(facts.rows()).containsEntry("intent", 6);
        assertThat(facts.stability()).containsOnlyKeys("intent");
        assertThat(facts.probeMegabytes().orElseThrow()).isGreaterThan(1);
        try (var adapted = AdaptedModel.open(run())) {
            var weights = facts.weights().orElseThrow();
            assertThat(weights.trained()).isEqualTo(adapted.adapter().trainedWeights());
            assertThat(weights.loraRank()).isEqualTo(2);
            assertThat(weights.uniform()).isGreaterThan(weights.trained());
        }
        assertThat(run().resolve("report.html"))
                .content()
                .contains("12 experts in ", "Trained weights: ", "LoRA of rank 2 on the group: ", "Uniform, with ")
                .contains("Task intent, 6 rows: ", "Peak memory of measuring: ");
    }

    @Test
    void oneExpertHasNoRouterAndSeveralShareTheirA() {
        var counts = new LinkedHashMap<String, Integer>();
        try (var adapted =
                AdaptedModel.create(training.adapter(LoraSpec.defaults().withTargets(TargetModules.allLinear())))) {
            adapted.adapter().deltas().keySet().forEach(path -> counts.put(path, counts.size() % 3));
        }
        var spec = training.adapter().allocated(new Allocation(counts));
        try (var adapted = AdaptedModel.create(training.adapter(spec))) {
            var names =
                    adapted.adapter().parameters().stream().map(p -> p.name()).toList();
            counts.forEach((path, count) -> {
                assertThat(names.contains(path + ".router.default.weight")).isEqualTo(count > 1);
                assertThat(names.contains(path + ".lora_A.default.weight")).isEqualTo(count > 0);
            });
            assertThat(adapted.adapter().trainedWeights()).isEqualTo(formula(adapted.adapter(), counts, 2));
        }
    }

    /** {@code r·in + n·r·out + [n > 1]·n·in} of every module. */
    private static long formula(Adapter adapter, Map<String, Integer> counts, int rank) {
        long sum = 0;
        for (var delta : adapter.deltas().entrySet()) {
            int n = counts.getOrDefault(delta.getKey(), 0);
            long in = ((RankGatedDelta) delta.getValue()).a().shape()[1];
            long out = ((RankGatedDelta) delta.getValue()).b().shape()[0];
            sum += rank * in + n * rank * out + (n > 1 ? n * in : 0);
        }
        return sum;
    }

    @Test
    void aResumedRunKeepsTheAllocationItWasBegunWith() throws IOException {
        var described = training.allocation(AllocationPlan.usual(1, probe()));
        described.run(folder.resolve("whole"));
        StoppedRuns.begin(described, run(), 5);

        // Another plan would measure and decide anew.
        training.allocation(new AllocationPlan.Ruled(AllocationRule.uniform(1, Grouping.ALL)))
                .resume(run());

        StoppedRuns.assertSame(folder.resolve("whole"), run());
        assertThat(StoppedRuns.lines(run()))
                .anyMatch(line -> line.contains("\"kind\":\"allocation\"") && line.contains("\"trained_weights\":"))
                .anyMatch(line -> line.contains("\"kind\":\"stability\"") && line.contains("\"overlap\":"));
    }

    @Test
    void ranksOfLoraCanBeAllocatedToo() {
        training.adapter(LoraSpec.defaults().withTargets(TargetModules.allLinear()))
                .allocation(AllocationPlan.usual(1, probe()))
                .run(run());

        var allocation = Allocation.read(run().resolve("allocation.json"));
        try (var adapted = AdaptedModel.open(run())) {
            assertThat(adapted.adapter().deltas().keySet()).containsExactlyElementsOf(allocation.chosen());
            adapted.adapter().deltas().forEach((path, delta) -> assertThat(
                            ((RankGatedDelta) delta).a().shape()[0])
                    .isEqualTo(allocation.count(path)));
        }
    }

    @Test
    void whatLoraAndTheMostEverywhereWouldTrainIsCountedOnTheMatricesThatMayGetAny() {
        training.allocation(new AllocationPlan.Ruled(AllocationRule.uniform(2, Grouping.ATTENTION)))
                .run(run());

        var facts = RunHistory.read(run()).allocated().orElseThrow().facts();
        var weights = facts.weights().orElseThrow();
        assertThat(weights.uniformCount()).isEqualTo(2);
        assertThat(weights.uniform()).isEqualTo(weights.trained());
        // [64, 64], four in each of two layers.
        assertThat(weights.lora()).isEqualTo(8 * 2 * (64 + 64));
        assertThat(facts.rows()).isEmpty();
        assertThat(facts.probeMegabytes()).isEmpty();
    }

    @Test
    void aBudgetThatCannotHoldIsRefusedBeforeAnythingIsMeasured() {
        var rule = new ProportionalRule(
                new ProportionalRule.Budget.Experts(11),
                new ProportionalRule.Bounds(1, OptionalInt.empty()),
                Grouping.ALL);
        List<String> phases = new ArrayList<>();
        var listened = training.listener(new ProgressListener() {
            @Override
            public void phase(String name) {
                phases.add(name);
            }
        });

        assertThatThrownBy(() -> listened.allocation(new AllocationPlan.Measured(rule, probe()))
                        .run(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("The budget of 11 is smaller than the 12 that the minimum of 1");
        assertThat(phases).hasSize(1).first().asString().startsWith("loading ");
        assertThat(run()).doesNotExist();
    }

    @Test
    void thatNothingWasSensitiveIsSaidInPlaceOfRaisingWhatIsKept() {
        var nothing = new Allocation(Map.of("some.module", 0));
        var zeros = new Sensitivities(Map.of("intent", Map.of("some.module", 0.0)));
        assertThatThrownBy(() -> AllocationStage.allocated(training, nothing, Optional.of(zeros), AllocationFacts.NONE))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("all sensitivities that were measured are 0")
                .hasMessageNotContaining("raise");
        var some = new Sensitivities(Map.of("intent", Map.of("some.module", 0.1)));
        assertThatThrownBy(() -> AllocationStage.allocated(training, nothing, Optional.of(some), AllocationFacts.NONE))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("raise what is kept or the budget");
    }

    @Test
    void whatCannotBeAllocatedIsSaid() {
        var other = new Allocation(Map.of("some.module", 1));
        assertThatThrownBy(() ->
                        training.allocation(new AllocationPlan.Given(other)).run(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("for another model: it names 'some.module'");
        assertThatThrownBy(() -> training.allocation(new AllocationPlan.Ruled(AllocationRule.uniform(0, Grouping.ALL)))
                        .run(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("so nothing would train");
        assertThatThrownBy(() -> training.adapter(new HeadOnlySpec())
                        .allocation(new AllocationPlan.Ruled(AllocationRule.uniform(1, Grouping.ALL)))
                        .run(run()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("neither experts nor ranks");
        assertThat(run()).doesNotExist();
    }
}
