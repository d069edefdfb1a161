package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Scorer;
import dev.espalier.adapter.MixtureStages.Phase;
import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What acts and what trains in each stage of {@code modula} and {@code tt-lora-moe}. */
class StagedExpertsTest {
    private static final int IN = 9;
    private static final int OUT = 6;
    private static final int E = 3;

    private static MixtureSpec spec(String method, boolean residual) {
        return Mixtures.of(method).with(m -> m.experts(E)
                .rank(2)
                .alpha(4)
                .dropout(0)
                .stages(Mixtures.of(method).stages().withResidual(residual)));
    }

    private static FormulaCheck one(MixtureSpec spec, int stage) {
        var one = new FormulaCheck(spec, IN, OUT).randomise();
        if (stage >= 0) {
            ((StagedDelta) one.delta()).enter(stage);
        }
        return one;
    }

    /** {@code s B A x} of an expert. */
    private static Tensor expert(Tensor x, Map<String, Tensor> weights, int e) {
        var a = FormulaCheck.get(weights, "experts.lora_A.weight").narrow(0, 2L * e, 2);
        var b = FormulaCheck.get(weights, "experts.lora_B.weight").narrow(1, 2L * e, 2);
        return product(x, a, b);
    }

    private static Tensor universal(Tensor x, Map<String, Tensor> weights) {
        return product(
                x,
                FormulaCheck.get(weights, "universal.lora_A.weight"),
                FormulaCheck.get(weights, "universal.lora_B.weight"));
    }

    private static Tensor product(Tensor x, Tensor a, Tensor b) {
        return torch.mm(torch.mm(x, a.t()), b.t()).mul(new Scalar(2));
    }

    /** A token's gates, {@code [tokens, gates]}, those of others than the largest zero where {@code onlyLargest}. */
    private static Tensor gates(Tensor x, Map<String, Tensor> weights, boolean onlyLargest) {
        var p = torch.softmax(
                torch.mm(x, FormulaCheck.get(weights, "router.weight").t()), 1);
        var largest = torch.amax(p, new long[] {1}, true);
        return onlyLargest ? p.mul(p.ge(largest)) : p;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theFirstStageIsTheUniversalExpert(boolean residual) {
        try (var one = one(spec("modula", residual), 0)) {
            one.follows((x, dropped, weights) -> one.plain(x).add(universal(x, weights)));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theSecondIsTheExpertOfTheTaskBesideAResidualOne(boolean residual) {
        try (var one = one(spec("modula", residual), 1)) {
            // The check's sequence is of the first task.
            one.follows((x, dropped, weights) -> {
                var y = one.plain(x).add(expert(x, weights, 0));
                return residual ? y.add(universal(x, weights)) : y;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theLastWeighsTheUniversalExpertAsTheFirstOfAllOrNotAtAll(boolean residual) {
        for (var choice : List.of(Choice.ALL, Choice.TOP_K)) {
            try (var one = one(spec("modula", residual).with(m -> m.choice(choice)), -1)) {
                one.follows((x, dropped, weights) -> {
                    var gates = gates(x, weights, choice == Choice.TOP_K);
                    assertThat(gates.size(1)).isEqualTo(residual ? E : E + 1);
                    var y = one.plain(x);
                    y = y.add(
                            residual
                                    ? universal(x, weights)
                                    : universal(x, weights).mul(gates.narrow(1, 0, 1)));
                    for (int e = 0; e < E; e++) {
                        y = y.add(expert(x, weights, e).mul(gates.narrow(1, residual ? e : e + 1, 1)));
                    }
                    return y;
                });
            }
        }
    }

    @Test
    void withoutAUniversalExpertThereAreTwoStages() {
        try (var one = one(spec("tt-lora-moe", false), 0)) {
            one.follows((x, dropped, weights) -> one.plain(x).add(expert(x, weights, 0)));
        }
        try (var one = one(spec("tt-lora-moe", false), -1)) {
            one.follows((x, dropped, weights) -> {
                var gates = gates(x, weights, true);
                var y = one.plain(x);
                for (int e = 0; e < E; e++) {
                    y = y.add(expert(x, weights, e).mul(gates.narrow(1, e, 1)));
                }
                return y;
            });
        }
    }

    @Test
    void everySequenceHasItsTasksExpertAndTheLastStageIsToldNoTasks() {
        var x = FormulaCheck.random("x", 2L * FormulaCheck.TOKENS, IN);
        try (var one = one(spec("tt-lora-moe", false), 0)) {
            var first = evaluate(one, x, 0, 2);
            var second = evaluate(one, x, 2, 0);
            var half = first.narrow(0, 0, FormulaCheck.TOKENS);
            assertClose("expert 0", half, evaluate(one, x, 0, 0).narrow(0, 0, FormulaCheck.TOKENS), 0, 1e-6);
            assertThat(half.sub(second.narrow(0, 0, FormulaCheck.TOKENS))
                            .abs()
                            .max()
                            .item_double())
                    .isGreaterThan(.1);
            ((StagedDelta) one.delta()).enter(1);
            assertClose("routed", evaluate(one, x, 0, 2), evaluate(one, x, 2, 0), 0, 0);
        }
    }

    private static Tensor evaluate(FormulaCheck one, Tensor x, int... tasks) {
        var layout = Layout.rightPadded(FormulaCheck.TOKENS, FormulaCheck.TOKENS, FormulaCheck.TOKENS);
        try (var context = ForwardContext.evaluation(Tape.inference(), layout).tasks(tasks)) {
            return one.linear().forward(context.tape().constant(x), context).value();
        }
    }

    @Test
    void aNewAdapterChangesNothingInAnyStage() {
        for (int stage = 0; stage < 3; stage++) {
            try (var one = new FormulaCheck(spec("modula", true), IN, OUT)) {
                ((StagedDelta) one.delta()).enter(stage);
                one.changesNothing();
            }
        }
    }

    @Test
    void aStageTrainsItsWeightsAndNoOthers() {
        try (var base = new TinyModel();
                var adapter = Adapter.create("a", spec("modula", false), base.model(), RandomStream.of(1))) {
            long all = adapter.trainedWeights();
            var names = new ArrayList<String>();
            for (int stage = 0; stage < 3; stage++) {
                adapter.enter(stage);
                var trained = adapter.parameters().stream()
                        .filter(p -> p.trainable())
                        .map(p -> p.name())
                        .toList();
                var part = List.of(".universal.", ".experts.", ".router.").get(stage);
                assertThat(trained).isNotEmpty().allMatch(name -> name.contains(part));
                names.addAll(trained);
                assertThat(adapter.trainedWeights()).isEqualTo(all);
            }
            assertThat(names)
                    .containsExactlyInAnyOrderElementsOf(
                            adapter.parameters().stream().map(p -> p.name()).toList());
        }
    }

    @Test
    void wrongPlansAreRefused() {
        var modula = Mixtures.of("modula");
        for (var shares : List.of(List.of(.5, .5), List.of(.5, .5, .5), List.of(.5, .5, 0.), List.<Double>of())) {
            assertThatThrownBy(() -> modula.stages().withShares(shares))
                    .isInstanceOf(InputException.class)
                    .hasMessage(
                            "stage-shares must be 3 numbers above 0 that add up to 1, for universal, experts, router,"
                                    + " not " + shares + ".");
        }
        assertThatThrownBy(() -> modula.forTasks(1))
                .isInstanceOf(InputException.class)
                .hasMessage("Method 'modula' trains an expert for each task and a router among them, but there is one"
                        + " task; give it several, or use method 'lora'.");
        assertThat(modula.forTasks(3).experts().count()).isEqualTo(3);
        for (var method : List.of("modula", "flix")) {
            assertThatThrownBy(() -> Mixtures.of(method).allocationCost())
                    .isInstanceOf(InputException.class)
                    .hasMessage(
                            "Method '" + method + "' has an expert for each task in every module, so there is none to"
                                    + " allocate; remove the allocation.");
        }
        assertThatThrownBy(() -> modula.with(m -> m.scorer(Scorer.LAYER))).hasMessageContaining("LAYER");
        assertThatThrownBy(() -> modula.with(m -> m.renormalise(true))).hasMessageContaining("every gate is 1");
        assertThatThrownBy(() -> new MixtureStages(List.of(Phase.EXPERTS), List.of(1.), false))
                .hasMessageContaining("The last stage of a mixture trains its router");
    }

    @Test
    void aRouterOfTwoLayersTrainsWholeInItsStage() {
        var mlp = spec("tt-lora-moe", false).with(m -> m.form(new RouterForm(RouterForm.Kind.MLP, 4, 1)));
        try (var base = new TinyModel();
                var adapter = Adapter.create("a", mlp, base.model(), RandomStream.of(1))) {
            adapter.enter(1);
            assertThat(adapter.parameters())
                    .filteredOn(Parameter::trainable)
                    .extracting(Parameter::name)
                    .allMatch(name -> name.contains("router"))
                    .anyMatch(name -> name.contains("router.hidden"));
        }
    }
}
