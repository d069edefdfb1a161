package dev.espalier.routing;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Scores and their gradients against the formula as plain tensor code in double. */
class ScorerTest {
    private static final int TOKENS = 5;
    private static final int IN = 7;
    private static final int WIDTH = 3;
    private static final double TEMPERATURE = .3;

    /** A scorer, and what it computes of its weights and the tokens it sees. */
    enum Case {
        LINEAR(
                new LinearScorer(parameter("w", WIDTH, IN)),
                t -> torch.mm(t.get(1), t.get(0).t())),
        MLP(new MlpScorer(parameter("v", 4, IN), parameter("w", WIDTH, 4)), t -> {
            var hidden = torch.mm(t.get(2), t.get(0).t());
            return torch.mm(hidden.mul(torch.sigmoid(hidden)), t.get(1).t());
        }),
        PROTOTYPE(new PrototypeScorer(parameter("w", WIDTH, IN), TEMPERATURE), t -> {
            var lengths = torch.mm(lengths(t.get(1)), lengths(t.get(0)).t());
            return torch.mm(t.get(1), t.get(0).t()).div(lengths).div(new Scalar(TEMPERATURE));
        });

        private final transient Scorer scorer;
        private final transient Function<List<Tensor>, Tensor> formula;

        Case(Scorer scorer, Function<List<Tensor>, Tensor> formula) {
            this.scorer = scorer;
            this.formula = formula;
        }
    }

    private static Tensor lengths(Tensor rows) {
        return rows.mul(rows).sum(new long[] {1}, true, null).sqrt();
    }

    @ParameterizedTest
    @EnumSource(Case.class)
    void scoresAndGradientsAreThoseOfTheFormula(Case which) {
        for (boolean jittered : new boolean[] {false, true}) {
            try (var guard = Engine.enter(1);
                    var scope = Scope.open()) {
                compare(which, jittered);
            }
        }
    }

    private static void compare(Case which, boolean jittered) {
        var weights = which.scorer.parameters();
        var tokens = random("x", TOKENS, IN);
        var jitter = jittered ? random("jitter", TOKENS, IN) : null;
        var dScores = random("dScores", TOKENS, WIDTH);
        Tensor wanted;
        List<Tensor> slopes;
        try (var mode = new AutoGradMode(true)) {
            var inputs = new ArrayList<Tensor>();
            weights.forEach(weight -> inputs.add(leaf(weight.value())));
            var x = leaf(tokens);
            inputs.add(jitter == null ? x : x.mul(jitter.to(ScalarType.Double)));
            var scores = which.formula.apply(inputs);
            inputs.set(inputs.size() - 1, x);
            wanted = scores.detach();
            slopes = Tape.gradients(scores, inputs, dScores.to(ScalarType.Double));
        }
        try (var gradients = new Gradients(weights);
                var tape = Tape.recording(gradients)) {
            var x = tape.input(tokens);
            var seen = jitter == null ? tokens : tokens.mul(jitter);
            var pass = which.scorer.of(new ScorerInput(x, seen, jitter, tape));
            assertThat(which.scorer.width()).isEqualTo(WIDTH);
            assertClose("scores", pass.scores(), wanted, 1e-5, 1e-5);
            pass.backward(dScores);
            for (int i = 0; i < weights.size(); i++) {
                assertClose(weights.get(i).name(), gradients.of(weights.get(i)), slopes.get(i), 1e-4, 1e-5);
            }
            assertClose("x", Objects.requireNonNull(x.gradient()), slopes.get(weights.size()), 1e-4, 1e-5);
        }
    }

    private static Tensor leaf(Tensor value) {
        return value.detach().to(ScalarType.Double).requires_grad_(true);
    }

    /** So a token that is all zeros, as jitter and dropout might make one, is like no prototype more than another. */
    @Test
    void aTokenOfZerosHasCosineZeroAndFiniteGradients() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var tape = Tape.recording(
                        (p, g) -> assertThat(g.isfinite().all().item_bool()).isTrue())) {
            var x = tape.input(Initialiser.zeros(2, IN));
            var pass = Case.PROTOTYPE.scorer.of(new ScorerInput(x, x.value(), null, tape));
            assertThat(pass.scores().abs().sum().item_double()).isZero();
            pass.backward(random("dScores", 2, WIDTH));
            assertThat(Objects.requireNonNull(x.gradient()).isfinite().all().item_bool())
                    .isTrue();
        }
    }

    @Test
    void aTemperatureThatIsNotAboveZeroIsRefused() {
        assertThatThrownBy(() -> new PrototypeScorer(parameter("w", WIDTH, IN), 0))
                .isInstanceOf(InputException.class)
                .hasMessage("The router's temperature must be above 0, not 0.0.");
    }

    private static Parameter parameter(String name, long... shape) {
        return new Parameter(name, random(name, shape), true);
    }

    private static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(8).at(name), shape);
    }
}
