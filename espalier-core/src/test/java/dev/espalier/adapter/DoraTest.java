package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** DoRA on one linear with a bias, against the formula written out and differentiated by libtorch. */
class DoraTest {
    private static final int TOKENS = 7;
    private static final int IN = 300;
    private static final int OUT = 270;

    @ParameterizedTest
    @CsvSource({"0, true", "0, false", "0.3, true", "0.3, false"})
    void outputAndGradientsAreThoseOfTheFormula(double dropout, boolean bias) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner()) {
            var linear = linear(bias);
            var spec = LoraSpec.defaults()
                    .withDora(true)
                    .withDropout(dropout)
                    .withInitialisation(LoraSpec.Initialisation.RANDOM);
            var weights = new DeltaWeights("default", "linear", DeltaWeights.drawn(RandomStream.of(3)), owner);
            var delta = (MagnitudeDelta) spec.delta(linear, weights);
            delta.magnitude().value().mul_(random("m", OUT).add(new Scalar(1.5)));
            linear.attach("default", delta);
            var trained =
                    weights.made().stream().map(DeltaWeights.Stored::parameter).toList();
            var training = new ForwardContext.Training(RandomStream.of(5), new long[] {1}, 1);
            try (var gradients = new Gradients(trained);
                    var context = ForwardContext.training(
                            Tape.recording(gradients), Layout.rightPadded(TOKENS, TOKENS), training)) {
                var x = context.tape().input(random("x", TOKENS, IN));
                var mask = delta.direction().dropoutMask(x, context);
                assertThat(mask == null).isEqualTo(dropout == 0);
                var g = random("g", TOKENS, OUT);
                var y = linear.forward(x, context);
                var want = expected(
                        linear, delta, x.value(), mask == null ? null : mask.div(new Scalar(1 - dropout)), trained, g);
                assertClose("y", y.value(), want.get(0), 1e-4, 1e-4);
                context.tape().backward(y, g);
                assertClose("x", Objects.requireNonNull(x.gradient()), want.get(1), 1e-3, 1e-3);
                for (int i = 0; i < trained.size(); i++) {
                    var p = trained.get(i);
                    assertClose(p.name(), gradients.of(p), want.get(i + 2), 1e-3, 1e-3);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void aNewDoraChangesNothingAndItsMagnitudesAreTheRowNorms(boolean bias) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var owner = new Owner()) {
            var linear = linear(bias);
            var weights = new DeltaWeights("default", "linear", DeltaWeights.drawn(RandomStream.of(3)), owner);
            var delta = (MagnitudeDelta) LoraSpec.defaults().withDora(true).delta(linear, weights);
            assertClose(
                    "m",
                    delta.magnitude().value(),
                    linear.matrix().square().sum(1).sqrt(),
                    1e-5,
                    1e-6);
            try (var context = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(TOKENS, TOKENS))) {
                var x = context.tape().constant(random("x", TOKENS, IN));
                var plain = linear.forward(x, context).value();
                linear.attach("default", delta);
                assertClose("y", linear.forward(x, context).value(), plain, 1e-5, 1e-5);
            }
        }
    }

    private static Linear linear(boolean bias) {
        var b = bias ? new Parameter("linear.bias", random("b", OUT), false) : null;
        return new Linear("linear", new Parameter("linear.weight", random("w", OUT, IN), false), b);
    }

    private static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(9).at(name), shape);
    }

    /** The output, then the gradients of the input and the trained weights. */
    private static List<Tensor> expected(
            Linear linear, MagnitudeDelta delta, Tensor x, @Nullable Tensor mask, List<Parameter> trained, Tensor g) {
        var inputs = new ArrayList<Tensor>(List.of(x.to(ScalarType.Double)));
        trained.forEach(p -> inputs.add(p.value().to(ScalarType.Double)));
        inputs.forEach(t -> t.requires_grad_(true));
        Tensor y;
        try (var mode = new AutoGradMode(true)) {
            var w = linear.matrix().to(ScalarType.Double);
            var product = torch.mm(inputs.get(2), inputs.get(1))
                    .mul(new Scalar(delta.direction().scaling()));
            var gain = inputs.get(3).div(w.add(product).detach().square().sum(1).sqrt());
            var dropped = mask == null ? inputs.get(0) : inputs.get(0).mul(mask);
            var base = torch.mm(inputs.get(0), w.t());
            y = base.sub(torch.mm(dropped, w.t()))
                    .add(torch.mm(dropped, w.add(product).t()).mul(gain));
            if (linear.bias() != null) {
                y = y.add(linear.bias().value());
            }
        }
        var result = new ArrayList<Tensor>(List.of(y.detach()));
        result.addAll(Tape.gradients(y, inputs, g.to(ScalarType.Double)));
        return result;
    }
}
