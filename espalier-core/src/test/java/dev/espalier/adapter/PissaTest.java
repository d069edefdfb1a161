package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.adapter.LoraSpec.Initialisation;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PiSSA on the unchanged base, against PEFT's on a base that it changed. */
class PissaTest {
    private static final LoraSpec SPEC = LoraSpec.defaults()
            .withTargets(TargetModules.of("q_proj", "v_proj"))
            .withRank(4)
            .withAlpha(8)
            .withInitialisation(Initialisation.PISSA);

    @TempDir
    private Path temporary;

    /** PEFT's first values: the sign of each component is anyone's choice. */
    private static AdapterRun run() {
        return new AdapterRun("pissa", Fixtures.path("adapters/pissa/init"), PissaTest::load);
    }

    private static Adapter load(Path folder, LanguageModel model) {
        var adapter = Adapter.create("default", SPEC, model, RandomStream.of(1));
        try (var scope = Scope.open();
                var init = Fixtures.tensors("adapters/pissa/init/adapter_model.safetensors")) {
            adapter.modules().forEach((path, module) -> {
                var delta = (SumDelta) module.delta();
                for (var part : delta.parts()) {
                    part.a().value().copy_(init.tensor("base_model.model." + path + ".lora_A.weight"));
                    part.b().value().copy_(init.tensor("base_model.model." + path + ".lora_B.weight"));
                }
            });
        }
        return adapter;
    }

    @Test
    void logitsLossAndGradientsAreThoseOfPeftsResidualBase() {
        try (var run = run()) {
            run.meetsGradients();
        }
    }

    @Test
    void twentyStepsFollowPeftsCurveAndAreSavedAsPeftConvertsThem() {
        try (var run = run();
                var saved = AdapterFolder.open(Fixtures.path("adapters/pissa"))) {
            run.meetsCurve(1e-3, step -> {});
            AdapterFolder.save(temporary.resolve("a"), run.adapter(), run.model(), saved.card());
            var config = PeftFixtureTest.config(temporary.resolve("a"));
            var want = PeftFixtureTest.config(Fixtures.path("adapters/pissa"));
            want.remove("peft_version");
            assertThat(config).isEqualTo(want);
            var trained = run.lastLogits();
            run.adapter().disable();
            try (var again = AdapterFolder.open(temporary.resolve("a")).load("again", run.model())) {
                assertClose("reloaded", run.lastLogits(), trained, 1e-4, 2e-5);
                assertClose("PEFT's", run.lastLogits(), run.expected().tensor("converted_logits_last"), 1e-3, 1e-3);
            }
            try (var pefts = saved.load("pefts", run.model())) {
                assertClose("loaded", run.lastLogits(), run.expected().tensor("converted_logits_last"), 1e-4, 2e-5);
            }
        }
    }

    @Test
    void theBaseWithoutTheFirstComponentsIsPeftsResidual() {
        try (var run = run()) {
            for (var key : run.expected().names()) {
                if (key.startsWith("residual.")) {
                    var weight = key.substring("residual.".length());
                    var linear =
                            Objects.requireNonNull(run.model().linears().get(weight.replaceFirst("\\.weight$", "")));
                    var components = new SingularComponents(linear);
                    var product = torch.mm(components.b(0, 4, 2), components.a(0, 4, 2))
                            .mul(new Scalar(2));
                    assertClose(
                            key, linear.matrix().sub(product), run.expected().tensor(key), 1e-4, 1e-5);
                }
            }
        }
    }

    @Test
    void mergingGivesThePlainSum() {
        try (var run = run()) {
            run.adapter().deltas().forEach((path, delta) -> {
                var linear = Objects.requireNonNull(run.model().linears().get(path));
                assertClose(path, ((SumDelta) delta).merged(linear.matrix(), 0), linear.matrix(), 1e-5, 1e-6);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, .3})
    void outputAndGradientsAreThoseOfTheFormula(double dropout) {
        var spec = SPEC.withRank(3).withAlpha(7).withDropout(dropout);
        try (var check = new FormulaCheck(spec, 12, 10)) {
            check.changesNothing();
            check.randomise()
                    .follows(
                            (x, dropped, w) -> check.plain(x)
                                    .add(product(dropped, w, "lora_A.weight", "lora_B.weight"))
                                    .sub(product(x, w, "initial_A", "initial_B")),
                            FormulaCheck.PATH + ".lora_dropout",
                            dropout);
            check.mergesAsItActs();
        }
    }

    private static Tensor product(Tensor x, Map<String, Tensor> weights, String a, String b) {
        var ranks = torch.mm(x, FormulaCheck.get(weights, a).t());
        return torch.mm(ranks, FormulaCheck.get(weights, b).t()).mul(new Scalar(7 / 3.0));
    }

    /** With the scaling of rsLoRA, and with ranks and alphas of their own, the saved form must compute the same too. */
    @ParameterizedTest
    @CsvSource({"false", "true"})
    void theSavedFormOfEveryScalingComputesTheSame(boolean rslora) {
        var spec = SPEC.withRslora(rslora)
                .withPatterns(Map.of("layers.1.self_attn.q_proj", 3), Map.of("layers.0.self_attn.v_proj", 5.0));
        try (var run = new AdapterRun("lora_qv")) {
            run.adapter().disable();
            var base = run.lastLogits();
            try (var adapter = Adapter.create("new", spec, run.model(), RandomStream.of(1));
                    var saved = AdapterFolder.open(run.folder())) {
                assertClose("at first", run.lastLogits(), base, 1e-4, 5e-5);
                adapter.parameters().stream().filter(p -> p.trainable()).forEach(p -> p.value()
                        .add_(FormulaCheck.random(p.name(), p.shape()).mul(new Scalar(.1))));
                var logits = run.lastLogits();
                AdapterFolder.save(temporary.resolve("b"), adapter, run.model(), saved.card());
                adapter.disable();
                try (var again = AdapterFolder.open(temporary.resolve("b")).load("again", run.model())) {
                    assertClose("reloaded", run.lastLogits(), logits, 1e-4, 5e-5);
                }
            }
        }
    }

    @Test
    void aRankAboveTheSingularValuesIsRefused() {
        var linear = new Linear(
                "layers.0.q", new Parameter("w", torch.ones(new long[] {10, 6}).to(ScalarType.Float), false), null);
        assertThatThrownBy(() -> new SingularComponents(linear).require(7))
                .isInstanceOf(InputException.class)
                .hasMessage("Rank 7 of layers.0.q is more than the 6 singular values of its weight; lower the rank,"
                        + " or choose another initialisation.");
    }
}
