package dev.espalier.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.model.ForwardContext;
import dev.espalier.routing.Activation;
import dev.espalier.routing.ExpertCapacity;
import dev.espalier.routing.ExpertDropout;
import dev.espalier.routing.Gating;
import dev.espalier.routing.LinearScorer;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.routing.Router;
import dev.espalier.routing.Selection;
import dev.espalier.routing.TokenRouter;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The gathered kernel against the dense one, forward and backward, with routers that choose. */
class KernelTest {
    private static final double BOUND = 1e-5;
    private static final int IN = 12;
    private static final int OUT = 10;
    private static final int RANK = 3;

    /** Shapes and their edges. */
    enum Case {
        TOP_2_OF_5(new Setting(5, new Selection.TopK(2), 7, 4, 1)),
        TOP_1_OF_8(new Setting(8, new Selection.TopK(1), 6, 6)),
        ONE_EXPERT(new Setting(1, new Selection.TopK(1), 5, 2)),
        ALL_CHOSEN(new Setting(4, new Selection.TopK(4), 5, 3)),
        DENSE_SELECTION(new Setting(4, new Selection.All(), 5, 3)),
        THRESHOLD(new Setting(5, new Selection.AtLeast(.2), 7, 4)),
        ONE_TOKEN(new Setting(5, new Selection.TopK(2), 1)),
        EXPERTS_WITHOUT_TOKENS(new Setting(9, new Selection.TopK(2), 2)),
        NO_TOKEN_CHOOSES(new Setting(5, new Selection.AtLeast(2), 7, 4)),
        ALL_OVER_CAPACITY(new Setting(5, new Selection.TopK(2), 7, 4).capacity(0)),
        SOME_OVER_CAPACITY(new Setting(5, new Selection.TopK(2), 7, 4).capacity(.5)),
        SHARED_A(new Setting(5, new Selection.TopK(2), 7, 4).shared()),
        SHARED_A_OVER_CAPACITY(
                new Setting(5, new Selection.TopK(2), 7, 4).shared().capacity(0)),
        BOTTLENECK(new Setting(5, new Selection.TopK(2), 7, 4).bottleneck()),
        SHARED_BOTTLENECK_DROPOUT(new Setting(5, new Selection.TopK(2), 7, 4)
                .shared()
                .bottleneck()
                .dropout()),
        DROPOUT(new Setting(5, new Selection.TopK(2), 7, 4, 1).dropout());

        private final transient Setting setting;

        Case(Setting setting) {
            this.setting = setting;
        }
    }

    private record Setting(
            int experts,
            Selection selection,
            int[] lengths,
            Optional<Double> capacityFactor,
            boolean sharedA,
            boolean silu,
            boolean masked,
            boolean rootGradient) {
        Setting(int experts, Selection selection, int... lengths) {
            this(experts, selection, lengths, Optional.empty(), false, false, false, false);
        }

        Setting capacity(double factor) {
            return new Setting(experts, selection, lengths, Optional.of(factor), sharedA, silu, masked, rootGradient);
        }

        Setting shared() {
            return new Setting(experts, selection, lengths, capacityFactor, true, silu, masked, rootGradient);
        }

        Setting bottleneck() {
            return new Setting(experts, selection, lengths, capacityFactor, sharedA, true, masked, rootGradient);
        }

        Setting dropout() {
            return new Setting(experts, selection, lengths, capacityFactor, sharedA, silu, true, rootGradient);
        }

        Setting rootGradients() {
            return new Setting(experts, selection, lengths, capacityFactor, sharedA, silu, masked, true);
        }
    }

    @ParameterizedTest
    @EnumSource(Case.class)
    void bothKernelsGiveTheSameOutputAndGradients(Case which) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            for (var setting : List.of(which.setting, which.setting.rootGradients())) {
                assertSame(results(Kernel.GATHERED, setting), results(Kernel.DENSE, setting));
            }
        }
    }

    private static void assertSame(Map<String, Tensor> results, Map<String, Tensor> wanted) {
        assertThat(results.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, want) -> {
            double difference =
                    want.sub(Objects.requireNonNull(results.get(name))).norm().item_double();
            assertThat(difference)
                    .as(name)
                    .isLessThanOrEqualTo(BOUND * want.norm().item_double());
        });
    }

    /** {@code Σ_e g_e Y_e} in forward, {@code Σ_e √g_e Y_e} to the experts and {@code Y_e} to the gates in backward. */
    @ParameterizedTest
    @EnumSource(Kernel.class)
    void rootGradientsAreThoseOfThePlainFormula(Kernel kernel) {
        var setting = new Setting(5, new Selection.TopK(2), 7, 4, 1).rootGradients();
        var gates = new ArrayList<Tensor>();
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var results = results(kernel, setting, gate -> {
                gates.add(gate.weights().clone());
                scope.keep(gates.get(0));
                return new Router.Gate(
                        gate.weights(), dWeights -> gates.add(scope.keep(dWeights.clone())), gate.tokens());
            });
            var chosen = gates.get(0).ne(new Scalar(0));
            results.remove("router");
            results.put("gates", gates.get(1).mul(chosen));
            assertSame(results, plainRootGradients(gates.get(0), chosen));
        }
    }

    private static Map<String, Tensor> plainRootGradients(Tensor weights, Tensor chosen) {
        try (var mode = new AutoGradMode(true)) {
            var x = random("x", weights.size(0), IN).requires_grad_(true);
            var a = random("A", 5 * RANK, IN).requires_grad_(true);
            var b = random("B", OUT, 5 * RANK).requires_grad_(true);
            var gates = weights.detach().requires_grad_(true);
            var sum = torch.zeros(new long[] {weights.size(0), OUT}, weights.options());
            for (int e = 0; e < 5; e++) {
                var down = torch.mm(x, a.narrow(0, (long) e * RANK, RANK).t());
                var y = torch.mm(down, b.narrow(1, (long) e * RANK, RANK).t());
                var g = gates.narrow(1, e, 1);
                var toExpert = g.detach().sqrt().mul(y.sub(y.detach()));
                sum = sum.add(g.mul(y.detach()).add(toExpert).mul(new Scalar(1.5)));
            }
            var found = Tape.gradients(sum, List.of(x, a, b, gates), random("dY", weights.size(0), OUT));
            return Map.of(
                    "added", sum.detach(),
                    "x", found.get(0),
                    "A", found.get(1),
                    "B", found.get(2),
                    "gates", found.get(3).mul(chosen));
        }
    }

    @Test
    void theCasesReachTheirEdges() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            for (var which : List.of(Case.NO_TOKEN_CHOOSES, Case.ALL_OVER_CAPACITY, Case.SHARED_A_OVER_CAPACITY)) {
                assertThat(size(results(Kernel.GATHERED, which.setting), "added"))
                        .isZero();
            }
            for (var which : List.of(Case.TOP_2_OF_5, Case.SOME_OVER_CAPACITY, Case.SHARED_A, Case.DROPOUT)) {
                results(Kernel.GATHERED, which.setting)
                        .forEach((name, value) ->
                                assertThat(value.norm().item_double()).as(name).isPositive());
            }
            double all = size(results(Kernel.GATHERED, Case.TOP_2_OF_5.setting.capacity(9)), "added");
            assertThat(size(results(Kernel.GATHERED, Case.SOME_OVER_CAPACITY.setting), "added"))
                    .isNotEqualTo(all);
        }
    }

    private static double size(Map<String, Tensor> results, String name) {
        return Objects.requireNonNull(results.get(name)).norm().item_double();
    }

    /** What one kernel adds to an output, and all gradients of a loss that is linear in it. */
    private static Map<String, Tensor> results(Kernel kernel, Setting setting) {
        return results(kernel, setting, gate -> gate);
    }

    private static Map<String, Tensor> results(Kernel kernel, Setting setting, UnaryOperator<Router.Gate> seen) {
        int tokens = Arrays.stream(setting.lengths).max().orElseThrow();
        var layout = Layout.rightPadded(tokens, setting.lengths);
        int rows = layout.rows() * tokens;
        int experts = setting.experts;
        var a = parameter("A", (setting.sharedA ? 1 : experts) * RANK, IN);
        var b = parameter("B", OUT, experts * RANK);
        var scorer = parameter("router", experts, IN);
        var gating = new Gating(
                Activation.SOFTMAX,
                ExpertDropout.of("linear", 0),
                setting.selection,
                true,
                new ExpertCapacity(setting.capacityFactor, false),
                List.of(new LoadBalanceLoss(.1, LoadBalanceLoss.Scale.BY_SELECTION, LoadBalanceLoss.Scope.SEQUENCE)));
        var router = new TokenRouter("linear", new LinearScorer(scorer), TokenRouter.Parts.NONE, 1, gating);
        var sequences = new long[layout.segments().size()];
        var training = new ForwardContext.Training(RandomStream.of(1), sequences, sequences.length);
        var results = new LinkedHashMap<String, Tensor>();
        try (var gradients = new Gradients(List.of(a, b, scorer));
                var context = ForwardContext.training(Tape.recording(gradients), layout, training)) {
            var tape = context.tape();
            var x = tape.input(random("x", rows, IN));
            var mask =
                    setting.masked ? random("mask", rows, IN).gt(new Scalar(0)).to(torch.ScalarType.Float) : null;
            var y = forward(
                    kernel,
                    new Experts(a, b, experts, setting.silu),
                    x,
                    mask,
                    setting,
                    tape,
                    () -> seen.apply(router.route(x, context)));
            results.put("added", y.value().clone());
            tape.backward(y, random("dY", rows, OUT));
            results.put("x", Objects.requireNonNull(x.gradient()).clone());
            gradients.byName().forEach((name, sum) -> results.put(name, sum.clone()));
        }
        return results;
    }

    private static Variable forward(
            Kernel kernel,
            Experts experts,
            Variable x,
            @Nullable Tensor mask,
            Setting setting,
            Tape tape,
            Supplier<Router.Gate> gate) {
        try (var operation = Scope.open()) {
            var y = torch.zeros(new long[] {x.value().size(0), OUT}, x.value().options());
            var seen = mask == null ? x.value() : x.value().mul(mask);
            var input = new ExpertInput(x, seen, mask, 1.5, gate.get(), setting.rootGradient, tape);
            var pass = kernel.forward(experts, input, y);
            pass.save();
            return tape.record(operation, y, true, pass::backward);
        }
    }

    private static Parameter parameter(String name, long... shape) {
        return new Parameter(name, random(name, shape), true);
    }

    private static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(3).at(name), shape);
    }
}
