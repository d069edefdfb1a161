package dev.espalier.kernel;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.model.ForwardContext;
import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The overlap of a token's experts and its gradients against a plain loop. */
class OverlapLossTest {
    private static final double EPSILON = 1e-6;
    private static final int IN = 6;
    private static final int OUT = 5;
    private static final int RANK = 2;
    private static final int EXPERTS = 4;
    private static final int TOKENS = 3;
    private static final int[] LENGTHS = {3, 1};

    /** Two experts for the first token, three, one; all four for the only one of the second sequence. */
    private static final float[] GATES = {
        .6f, 0, .4f, 0, .2f, .5f, 0, .3f, 0, 0, 1, 0, .1f, .2f, .3f, .4f, 0, 0, 0, 0, 0, 0, 0, 0
    };

    @ParameterizedTest(name = "shared A: {0}, bottleneck: {1}, a gate for every rank: {2}")
    @CsvSource({"false, false, false", "true, false, false", "false, true, false", "true, true, true"})
    void valueAndGradientsAreThoseOfTheMeanSquaredCosineOfPairs(boolean sharedA, boolean bottleneck, boolean perRank) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = parameter("A", (sharedA ? 1 : EXPERTS) * RANK, IN);
            var b = parameter("B", OUT, EXPERTS * RANK);
            var values = Initialiser.normal(1, RandomStream.of(1), (long) LENGTHS.length * TOKENS, IN);
            var wanted = plain(a.value(), b.value(), values, bottleneck);
            var factor = new Scalar(.7 / 5);
            double want = wanted.get(0).mul(factor).item_double();
            assertThat(want).isPositive();
            try (var gradients = new Gradients(List.of(a, b));
                    var context = training(Tape.recording(gradients))) {
                var x = context.tape().input(values);
                var experts = new Experts(a, b, EXPERTS, bottleneck);
                var pass = new OverlapLoss(.7, 5)
                        .forward(experts, input(x, perRank, context), context)
                        .orElseThrow();
                assertThat(context.auxiliaryLoss()).isCloseTo(want, within(1e-5 * want));
                pass.backward();
                assertClose("A", gradients.of(a), wanted.get(1).mul(factor), 1e-3, 1e-6);
                assertClose("B", gradients.of(b), wanted.get(2).mul(factor), 1e-3, 1e-6);
                assertClose(
                        "x", Objects.requireNonNull(x.gradient()), wanted.get(3).mul(factor), 1e-3, 1e-6);
            }
        }
    }

    /** The loss without coefficient, and its gradients with respect to A, B and x, as libtorch finds them. */
    private static List<Tensor> plain(Tensor a, Tensor b, Tensor x, boolean bottleneck) {
        try (var mode = new AutoGradMode(true)) {
            var inputs = Stream.of(a, b, x)
                    .map(tensor -> tensor.detach().to(ScalarType.Double).requires_grad_(true))
                    .toList();
            var sum = inputs.get(0).sum().mul(new Scalar(0));
            for (int token = 0; token < LENGTHS.length * TOKENS; token++) {
                double ofSequence = 1.0 / LENGTHS.length / LENGTHS[token / TOKENS];
                var chosen = chosen(token);
                for (int e : chosen) {
                    for (int f : chosen) {
                        if (e != f) {
                            var row = inputs.get(2).narrow(0, token, 1);
                            var square = squaredCosine(
                                    output(inputs.get(0), inputs.get(1), row, e, bottleneck),
                                    output(inputs.get(0), inputs.get(1), row, f, bottleneck));
                            int pairs = chosen.length * (chosen.length - 1);
                            sum = sum.add(square.mul(new Scalar(ofSequence / pairs)));
                        }
                    }
                }
            }
            var found = Tape.gradients(sum, inputs, torch.ones_like(sum));
            return List.of(sum.detach(), found.get(0), found.get(1), found.get(2));
        }
    }

    private static int[] chosen(int token) {
        return IntStream.range(0, EXPERTS)
                .filter(e -> GATES[token * EXPERTS + e] > 0)
                .toArray();
    }

    private static Tensor squaredCosine(Tensor first, Tensor second) {
        var inner = first.mul(second).sum();
        var below = first.mul(first)
                .sum()
                .add(new Scalar(EPSILON))
                .mul(second.mul(second).sum().add(new Scalar(EPSILON)));
        return inner.mul(inner).div(below);
    }

    private static Tensor output(Tensor a, Tensor b, Tensor x, int expert, boolean bottleneck) {
        boolean shared = a.size(0) == RANK;
        var linearly =
                torch.mm(x, a.narrow(0, shared ? 0 : (long) expert * RANK, RANK).t());
        var u = bottleneck ? torch.silu(linearly) : linearly;
        return torch.mm(u, b.narrow(1, (long) expert * RANK, RANK).t());
    }

    @Test
    void expertsThatAreTheSameOverlapWholly() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var one = Initialiser.normal(1, RandomStream.of(2), OUT, RANK);
            var b = new Parameter("B", one.repeat(1, EXPERTS), true);
            var x = Initialiser.normal(1, RandomStream.of(1), (long) LENGTHS.length * TOKENS, IN);
            // All tokens but the one with a single expert.
            assertThat(value(new Experts(parameter("A", RANK, IN), b, EXPERTS, false), x))
                    .isCloseTo((2.0 / 3 + 1) / 2, within(1e-4));
        }
    }

    @Test
    void expertsThatGiveNothingYetOverlapNeitherNorHaveGradients() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = parameter("A", EXPERTS * RANK, IN);
            var b = new Parameter("B", Initialiser.zeros(OUT, EXPERTS * RANK), true);
            var x = Initialiser.normal(1, RandomStream.of(1), (long) LENGTHS.length * TOKENS, IN);
            try (var gradients = new Gradients(List.of(a, b));
                    var context = training(Tape.recording(gradients))) {
                var pass = new OverlapLoss(1, 1)
                        .forward(
                                new Experts(a, b, EXPERTS, false),
                                input(context.tape().input(x), false, context),
                                context)
                        .orElseThrow();
                pass.backward();
                assertThat(pass.value()).isZero();
                assertThat(gradients.of(a).abs().sum().item_double()).isZero();
                assertThat(gradients.of(b).abs().sum().item_double()).isZero();
            }
        }
    }

    @Test
    void evaluationAndOneExpertHaveNoLoss() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var several = new Experts(
                    parameter("A", EXPERTS * RANK, IN), parameter("B", OUT, EXPERTS * RANK), EXPERTS, false);
            var one = new Experts(parameter("A", RANK, IN), parameter("B", OUT, RANK), 1, false);
            var x = Initialiser.normal(1, RandomStream.of(1), (long) LENGTHS.length * TOKENS, IN);
            var loss = new OverlapLoss(1, 1);
            try (var evaluation = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(TOKENS, LENGTHS));
                    var training = training(Tape.inference())) {
                assertThat(loss.forward(several, input(evaluation.tape().input(x), false, evaluation), evaluation))
                        .isEmpty();
                assertThat(loss.forward(one, input(training.tape().input(x), false, training), training))
                        .isEmpty();
                assertThat(OverlapLoss.NONE.forward(
                                several, input(training.tape().input(x), false, training), training))
                        .isEmpty();
                assertThat(training.auxiliaryLoss()).isZero();
            }
        }
    }

    private static double value(Experts experts, Tensor x) {
        try (var context = training(Tape.inference())) {
            new OverlapLoss(1, 1).forward(experts, input(context.tape().input(x), false, context), context);
            return context.auxiliaryLoss();
        }
    }

    private static ExpertInput input(Variable x, boolean perRank, ForwardContext context) {
        var gates = FloatArrays.tensor(GATES, (long) LENGTHS.length * TOKENS, EXPERTS);
        var weights = perRank ? gates.repeat_interleave(RANK, new LongOptional(1), new LongOptional()) : gates;
        var gate = new Router.Gate(weights, null, null);
        return new ExpertInput(x, x.value(), null, 2, gate, false, context.tape());
    }

    private static ForwardContext training(Tape tape) {
        var training = new ForwardContext.Training(RandomStream.of(1), new long[] {0, 1}, LENGTHS.length);
        return ForwardContext.training(tape, Layout.rightPadded(TOKENS, LENGTHS), training);
    }

    private static Parameter parameter(String name, long... shape) {
        return new Parameter(name, Initialiser.normal(1, RandomStream.of(3).at(name), shape), true);
    }
}
