package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.tensor.RandomStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** AdaLoRA against PEFT: loss with the penalty, ranks after each step, the folder with what is left. */
class AdaLoraTest {
    private static final int STEPS = 20;

    @TempDir
    private Path temporary;

    private static AdapterRun run() {
        var run = new AdapterRun("adalora");
        run.penalty(run.adapter().penalty().orElseThrow());
        return run;
    }

    @Test
    void lossWithPenaltyAndGradientsArePefts() {
        try (var run = run()) {
            run.meetsGradients();
            assertThat(run.trainedWeights())
                    .isEqualTo(run.notes().path("trainable").asLong());
        }
    }

    @Test
    void ranksOfEveryStepAndTheTrainedFolderArePefts() {
        try (var run = run();
                var budget = run.adapter().startTraining(STEPS).orElseThrow();
                var saved = AdapterFolder.open(run.folder())) {
            var ranks = Fixtures.longs(run.expected().tensor("adalora_ranks"));
            var modules = budget.ranks().keySet().stream().sorted().toList();
            run.meetsCurve(1e-4, step -> {
                assertThat(budget.afterUpdate(step, run.gradients().byName())).isEmpty();
                var alive = new TreeMap<>(RankTriplets.of(run.adapter()));
                for (int i = 0; i < modules.size(); i++) {
                    var factors = Objects.requireNonNull(alive.get(modules.get(i)))
                            .d()
                            .value();
                    assertThat(torch.count_nonzero(factors).item_double())
                            .as("rank of " + modules.get(i) + " after step " + step)
                            .isEqualTo(ranks[step * modules.size() + i]);
                }
            });
            assertThat(budget.ranks()).containsEntry("model.layers.1.self_attn.v_proj", 0);

            var folder = temporary.resolve("trained");
            AdapterFolder.save(folder, run.adapter(), run.model(), saved.card());
            var pefts = run.folder().resolve("trained");
            assertThat(PeftFixtureTest.config(folder)).isEqualTo(PeftFixtureTest.config(pefts));
            try (var ours = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS));
                    var theirs = SafetensorsFile.open(pefts.resolve(AdapterFolder.WEIGHTS))) {
                assertThat(ours.names()).isEqualTo(theirs.names());
                for (var key : theirs.names()) {
                    assertThat(ours.info(key).shape())
                            .as(key)
                            .isEqualTo(theirs.info(key).shape());
                    assertClose(key, ours.tensor(key), theirs.tensor(key), 1e-3, 1e-4);
                }
            }
            var trained = run.lastLogits();
            run.adapter().disable();
            try (var again = AdapterFolder.open(folder).load("again", run.model())) {
                assertThat(Fixtures.doubles(run.lastLogits())).containsExactly(Fixtures.doubles(trained));
            }
        }
    }

    @Test
    void peftsTrainedFolderLoadsAndIsWrittenAgainAsItWas() {
        try (var run = run()) {
            run.adapter().disable();
            var pefts = run.folder().resolve("trained");
            try (var saved = AdapterFolder.open(pefts);
                    var loaded = saved.load("trained", run.model())) {
                var want = run.expected().tensor("trained_reloaded_logits_last");
                assertClose("logits", run.lastLogits(), want, 1e-4, 2e-5);
                AdapterFolder.save(temporary.resolve("again"), loaded, run.model(), saved.card());
                assertThat(PeftFixtureTest.config(temporary.resolve("again"))).isEqualTo(PeftFixtureTest.config(pefts));
                assertThat(PeftFixtureTest.tensors(temporary.resolve("again")))
                        .isEqualTo(PeftFixtureTest.tensors(pefts));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, .3})
    void outputAndGradientsAreThoseOfTheFormula(double dropout) {
        var spec = new AdaLoraSpec(
                TargetModules.of("linear"),
                3,
                2,
                5,
                dropout,
                new CubicBudget(0, 0, 1),
                .85,
                .85,
                0,
                0,
                Map.of(),
                List.of());
        try (var check = new FormulaCheck(spec, 12, 10)) {
            check.changesNothing();
            check.randomise()
                    .follows(
                            (x, dropped, w) -> {
                                var ranks = torch.mm(
                                                dropped,
                                                FormulaCheck.get(w, "lora_A").t())
                                        .mul(FormulaCheck.get(w, "lora_E").view(-1));
                                return check.plain(x)
                                        .add(torch.mm(
                                                        ranks,
                                                        FormulaCheck.get(w, "lora_B")
                                                                .t())
                                                .mul(new Scalar(5 / 3.00001)));
                            },
                            FormulaCheck.PATH + ".lora_dropout",
                            dropout);
            check.mergesAsItActs();
        }
    }

    /** PEFT fails here: it asks for the 0th smallest score. */
    @Test
    void aBudgetThatTakesNothingAwayKeepsAllRanks() {
        try (var run = run()) {
            var spec = AdaLoraSpec.defaults()
                    .withTargets(TargetModules.of("q_proj"))
                    .withBudget(4, 4, new CubicBudget(0, 0, 1));
            try (var adapter = Adapter.create("all", spec, run.model(), RandomStream.of(1));
                    var budget = adapter.startTraining(5).orElseThrow()) {
                for (int step = 0; step < 5; step++) {
                    budget.afterUpdate(step, Map.of());
                }
                assertThat(budget.ranks().values()).containsOnly(4);
            }
        }
    }

    @Test
    void aScheduleWithoutRoomIsRefused() {
        try (var run = run()) {
            assertThatThrownBy(() -> run.adapter().startTraining(9))
                    .isInstanceOf(InputException.class)
                    .hasMessage("A run of 9 steps has no room between initial-steps 3 and final-steps 6; lower them, or"
                            + " train for longer.");
        }
    }
}
