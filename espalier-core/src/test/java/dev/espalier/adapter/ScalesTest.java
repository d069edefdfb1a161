package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.json.Json;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.RandomStream;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** IA3 and VeRA on one linear with a bias, against their formulas; what fixtures on models without biases can't show. */
class ScalesTest {
    private static final Ia3Spec INPUTS =
            Ia3Spec.defaults().withTargets(TargetModules.of("linear"), ModuleNames.of(List.of("linear")));
    private static final Ia3Spec OUTPUTS =
            Ia3Spec.defaults().withTargets(TargetModules.of("linear"), ModuleNames.of(List.of()));

    @Test
    void ia3ScalesTheOutputWithItsBias() {
        try (var check = new FormulaCheck(OUTPUTS, 12, 10)) {
            check.changesNothing();
            check.randomise().follows((x, dropped, w) -> check.plain(x)
                    .mul(FormulaCheck.get(w, "ia3_l").view(-1)));
            check.mergesAsItActs();
        }
    }

    @Test
    void ia3ScalesTheInputOfTheMlpsSecondLinear() {
        try (var check = new FormulaCheck(INPUTS, 12, 10)) {
            check.changesNothing();
            check.randomise().follows((x, dropped, w) -> check.plain(x.mul(FormulaCheck.get(w, "ia3_l"))));
            check.mergesAsItActs();
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, .3})
    void veraTrainsTheFactorsOfRanksAndOutputs(double dropout) {
        var spec = new VeraSpec(TargetModules.of("linear"), 5, dropout, .1, 7, true, List.of());
        try (var check = new FormulaCheck(spec, 12, 10)) {
            check.changesNothing();
            check.randomise()
                    .follows(
                            (x, dropped, w) -> {
                                var ranks = torch.mm(
                                                dropped,
                                                FormulaCheck.get(w, "vera_A").t())
                                        .mul(FormulaCheck.get(w, "vera_lambda_d"));
                                return check.plain(x)
                                        .add(torch.mm(
                                                        ranks,
                                                        FormulaCheck.get(w, "vera_B")
                                                                .t())
                                                .mul(FormulaCheck.get(w, "vera_lambda_b")));
                            },
                            FormulaCheck.PATH + ".vera_dropout",
                            dropout);
            check.mergesAsItActs();
        }
    }

    @Test
    void veraDrawsTheProjectionsThatPeftDraws() {
        try (var run = new AdapterRun("vera")) {
            var spec = (VeraSpec) run.adapter().spec();
            assertThat(spec.projectionSeed()).isEqualTo(11);
            try (var fresh = Adapter.create("fresh", spec, run.model(), RandomStream.of(1))) {
                var drawn = fresh.shared().parameters();
                var saved = run.adapter().shared().parameters();
                assertThat(drawn).hasSize(2);
                for (int i = 0; i < 2; i++) {
                    assertThat(Fixtures.doubles(drawn.get(i).value()))
                            .containsExactly(Fixtures.doubles(saved.get(i).value()));
                }
            }
        }
    }

    @Test
    void sharedProjectionsAreInTheFileButNotTrained() {
        try (var run = new AdapterRun("vera");
                var saved = AdapterFolder.open(run.folder())) {
            long trained = run.notes().path("trainable").asLong();
            assertThat(saved.trainedWeights()).isEqualTo(trained);
            assertThat(run.adapter().trainedWeights()).isEqualTo(trained);
        }
    }

    @Test
    void veraWithoutSavedProjectionsDrawsThemAgain(@TempDir Path temporary) {
        try (var run = new AdapterRun("vera");
                var saved = AdapterFolder.open(run.folder())) {
            var spec = ((VeraSpec) run.adapter().spec()).withProjection(4, false);
            try (var fresh = Adapter.create("fresh", spec, run.model(), RandomStream.of(1))) {
                run.adapter().disable();
                fresh.parameters().stream()
                        .filter(p -> p.name().contains("lambda_b"))
                        .forEach(p -> p.value().add_(FormulaCheck.random(p.name(), p.shape())));
                var logits = run.logits();
                AdapterFolder.save(temporary.resolve("vera"), fresh, run.model(), saved.card());
                fresh.disable();
                try (var folder = AdapterFolder.open(temporary.resolve("vera"));
                        var again = folder.load("again", run.model())) {
                    assertThat(again.isEnabled()).isTrue();
                    assertThat(Fixtures.doubles(run.logits())).containsExactly(Fixtures.doubles(logits));
                }
            }
        }
    }

    /** PEFT's IA3 has no key for layers, so its paths say which linears are meant. */
    @Test
    void ia3OfSomeLayersIsSavedByPaths(@TempDir Path temporary) {
        try (var run = new AdapterRun("ia3");
                var saved = AdapterFolder.open(run.folder())) {
            var targets = TargetModules.of("k_proj").inLayers(List.of(1), List.of());
            var spec = Ia3Spec.defaults().withTargets(targets, ModuleNames.of(List.of("down_proj")));
            try (var fresh = Adapter.create("fresh", spec, run.model(), RandomStream.of(1))) {
                AdapterFolder.save(temporary.resolve("ia3"), fresh, run.model(), saved.card());
            }
            var config = Json.read(temporary.resolve("ia3").resolve("adapter_config.json"));
            assertThat(config.path("target_modules").toString()).isEqualTo("[\"model.layers.1.self_attn.k_proj\"]");
            assertThat(config.has("layers_to_transform")).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gpt2", "phi3", "bert_cls", "roberta_cls", "qwen2"})
    void byDefaultIa3FindsKeysValuesAndTheMlpOfEveryFamily(String name) {
        try (var model = AutoModel.open(Fixtures.path("models/" + name), ScalarType.Float)) {
            var spec = Ia3Spec.defaults();
            var targets = spec.targets().select(model).keySet();
            int layers = 2;
            long inputs = targets.stream().filter(spec::isFeedForward).count();
            boolean fused = name.equals("gpt2") || name.equals("phi3");
            boolean bert = name.endsWith("cls");
            assertThat(inputs).isEqualTo(bert ? 2 * layers : layers);
            assertThat(targets.size() - inputs).isEqualTo(fused ? layers : 2 * layers);
        }
    }
}
