package dev.espalier.kernel;

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
import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The overlap of a token's experts against a plain loop; its gradients are compared with slopes in MixturesTest. */
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
    @CsvSource({"false, false, false", "true, false, false", "false, true, false", "true, false, true"})
    void itIsTheMeanSquaredCosineOfPairs(boolean sharedA, boolean bottleneck, boolean perRank) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = parameter("A", (sharedA ? 1 : EXPERTS) * RANK, IN);
            var b = parameter("B", OUT, EXPERTS * RANK);
            var x = Initialiser.normal(1, RandomStream.of(1), (long) LENGTHS.length * TOKENS, IN);
            double want = 0;
            for (int token = 0; token < LENGTHS.length * TOKENS; token++) {
                double ofSequence = 1.0 / LENGTHS.length / LENGTHS[token / TOKENS];
                want += ofSequence * plain(a.value(), b.value(), x.narrow(0, token, 1), token, bottleneck);
            }
            double value = value(new Experts(a, b, EXPERTS, bottleneck), x, perRank, .7, 5);
            assertThat(want).isPositive();
            assertThat(value).isCloseTo(.7 / 5 * want, within(1e-5 * want));
        }
    }

    private static double plain(Tensor a, Tensor b, Tensor x, int token, boolean bottleneck) {
        double sum = 0;
        int pairs = 0;
        for (int e = 0; e < EXPERTS; e++) {
            for (int f = 0; f < EXPERTS; f++) {
                if (e != f && GATES[token * EXPERTS + e] > 0 && GATES[token * EXPERTS + f] > 0) {
                    var first = output(a, b, x, e, bottleneck);
                    var second = output(a, b, x, f, bottleneck);
                    double inner = first.mul(second).sum().item_double();
                    double firstSquare = first.mul(first).sum().item_double();
                    double secondSquare = second.mul(second).sum().item_double();
                    sum += inner * inner / ((firstSquare + EPSILON) * (secondSquare + EPSILON));
                    pairs++;
                }
            }
        }
        return pairs == 0 ? 0 : sum / pairs;
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
            assertThat(value(new Experts(parameter("A", RANK, IN), b, EXPERTS, false), x, false, 1, 1))
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
                        .forward(new Experts(a, b, EXPERTS, false), input(x, false, context), context)
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
                assertThat(loss.forward(several, input(x, false, evaluation), evaluation))
                        .isEmpty();
                assertThat(loss.forward(one, input(x, false, training), training))
                        .isEmpty();
                assertThat(OverlapLoss.NONE.forward(several, input(x, false, training), training))
                        .isEmpty();
                assertThat(training.auxiliaryLoss()).isZero();
            }
        }
    }

    private static double value(Experts experts, Tensor x, boolean perRank, double coefficient, int modules) {
        try (var context = training(Tape.inference())) {
            new OverlapLoss(coefficient, modules).forward(experts, input(x, perRank, context), context);
            return context.auxiliaryLoss();
        }
    }

    private static ExpertInput input(Tensor x, boolean perRank, ForwardContext context) {
        var gates = FloatArrays.tensor(GATES, (long) LENGTHS.length * TOKENS, EXPERTS);
        var weights = perRank ? gates.repeat_interleave(RANK, new LongOptional(1), new LongOptional()) : gates;
        var gate = new Router.Gate(weights, null, null);
        return new ExpertInput(context.tape().input(x), x, null, 2, gate, false, context.tape());
    }

    private static ForwardContext training(Tape tape) {
        var training = new ForwardContext.Training(RandomStream.of(1), new long[] {0, 1}, LENGTHS.length);
        return ForwardContext.training(tape, Layout.rightPadded(TOKENS, LENGTHS), training);
    }

    private static Parameter parameter(String name, long... shape) {
        return new Parameter(name, Initialiser.normal(1, RandomStream.of(3).at(name), shape), true);
    }
}
