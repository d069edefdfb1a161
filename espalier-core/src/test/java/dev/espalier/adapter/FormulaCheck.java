package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** An adapter's delta of one linear with a bias, against its formula written out in double and differentiated by libtorch. */
final class FormulaCheck implements AutoCloseable {
    static final int TOKENS = 7;
    static final String PATH = "layers.0.linear";

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final Owner owner = new Owner();
    private final Linear linear;
    private final List<Parameter> parameters;
    private final LinearDelta delta;
    private final List<DeltaWeights.Stored> stored;

    /** What the linear gives, of values in double: the input, the dropout mask with its scale, and weights by their key. */
    @FunctionalInterface
    interface Formula {
        Tensor y(Tensor x, Tensor dropped, Map<String, Tensor> weights);
    }

    /** A new adapter on a linear of this shape; its trained weights get random values. */
    FormulaCheck(AdapterSpec spec, int in, int out) {
        linear = new Linear(
                PATH,
                new Parameter(PATH + ".weight", random("w", out, in), false),
                new Parameter(PATH + ".bias", random("b", out), false));
        var source = DeltaWeights.drawn(RandomStream.of(3));
        var shared = new SharedWeights("default", Map.of(PATH, List.of(out, in)), source, owner);
        var weights = new DeltaWeights(PATH, shared, source, owner);
        delta = spec.delta(linear, weights);
        parameters = new ArrayList<>(shared.parameters());
        parameters.addAll(weights.parameters());
        stored = weights.made();
        linear.attach("default", delta);
    }

    Linear linear() {
        return linear;
    }

    LinearDelta delta() {
        return delta;
    }

    /** The weight of that key, frozen or not. */
    Parameter parameter(String key) {
        return parameters.stream().filter(p -> key(p).equals(key)).findFirst().orElseThrow();
    }

    /** What a file would hold now. */
    Map<String, Tensor> files() {
        var files = new LinkedHashMap<String, Tensor>();
        stored.forEach(weight -> files.put(weight.key(), weight.toFile()));
        return files;
    }

    FormulaCheck randomise() {
        for (var p : parameters) {
            if (p.trainable()) {
                p.value().add_(random(p.name(), p.shape()).mul(new Scalar(.3)));
            }
        }
        return this;
    }

    /** What a new adapter must do: nothing. */
    void changesNothing() {
        try (var context = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(TOKENS, TOKENS))) {
            var x = context.tape().constant(random("x", TOKENS, linear.inFeatures()));
            var with = linear.forward(x, context).value();
            linear.detach("default");
            assertClose("y", with, linear.forward(x, context).value(), 1e-4, 1e-4);
            linear.attach("default", delta);
        }
    }

    /**
     * Output and gradients in training, then the merged weight.
     *
     * @param dropoutName of the layer's draws
     */
    void follows(Formula formula, String dropoutName, double dropout) {
        var trained = parameters.stream().filter(Parameter::trainable).toList();
        var training = new ForwardContext.Training(RandomStream.of(5), new long[] {1}, 1);
        try (var gradients = new Gradients(trained);
                var context = ForwardContext.training(
                        Tape.recording(gradients), Layout.rightPadded(TOKENS, TOKENS), training)) {
            var x = context.tape().input(random("x", TOKENS, linear.inFeatures()));
            var g = random("g", TOKENS, linear.outFeatures());
            var mask = context.dropoutMask(dropoutName, dropout, linear.inFeatures(), ScalarType.Float);
            var y = linear.forward(x, context);
            var want = expected(
                    formula,
                    x.value(),
                    mask == null ? torch.ones_like(x.value()) : mask.div(new Scalar(1 - dropout)),
                    trained,
                    g);
            assertClose("y", y.value(), want.get(0), 1e-4, 1e-4);
            context.tape().backward(y, g);
            assertClose("x", Objects.requireNonNull(x.gradient()), want.get(1), 1e-3, 1e-3);
            for (int i = 0; i < trained.size(); i++) {
                var p = trained.get(i);
                assertClose(p.name(), gradients.of(p), want.get(i + 2), 1e-3, 1e-3);
            }
        }
    }

    void follows(Formula formula) {
        follows(formula, "none", 0);
    }

    /** The weight and bias with the delta in them give what the linear gives with the delta. */
    void mergesAsItActs() {
        var merge = (Mergeable) delta;
        try (var context = ForwardContext.evaluation(Tape.inference(), Layout.rightPadded(TOKENS, TOKENS))) {
            var x = context.tape().constant(random("x", TOKENS, linear.inFeatures()));
            var y = linear.forward(x, context).value();
            var matrix = merge.merged(linear.matrix(), 0);
            var bias = merge.mergedBias(Objects.requireNonNull(linear.bias()).value());
            assertClose("merged", torch.mm(x.value(), matrix.t()).add(bias), y, 1e-4, 1e-4);
            var some = merge.merged(linear.matrix().narrow(0, 2, 3), 2);
            assertClose("rows", some, matrix.narrow(0, 2, 3), 1e-6, 1e-6);
        }
    }

    private List<Tensor> expected(Formula formula, Tensor x, Tensor mask, List<Parameter> trained, Tensor g) {
        var inputs = new ArrayList<Tensor>(List.of(x.to(ScalarType.Double)));
        trained.forEach(p -> inputs.add(p.value().to(ScalarType.Double)));
        inputs.forEach(t -> t.requires_grad_(true));
        Tensor y;
        try (var mode = new AutoGradMode(true)) {
            var weights = new LinkedHashMap<String, Tensor>();
            parameters.forEach(p -> weights.put(
                    key(p),
                    p.trainable()
                            ? inputs.get(1 + trained.indexOf(p))
                            : p.value().to(ScalarType.Double)));
            y = formula.y(inputs.get(0), inputs.get(0).mul(mask), weights);
        }
        var result = new ArrayList<Tensor>(List.of(y.detach()));
        result.addAll(Tape.gradients(y, inputs, g.to(ScalarType.Double)));
        return result;
    }

    private static String key(Parameter p) {
        return p.name().replaceFirst("^" + PATH + "\\.", "").replaceFirst("\\.default(?=\\.|$)", "");
    }

    /** {@code W}, in double. */
    Tensor w() {
        return linear.matrix().to(ScalarType.Double);
    }

    /** {@code W x + b}, in double. */
    Tensor plain(Tensor x) {
        return torch.mm(x, w().t()).add(Objects.requireNonNull(linear.bias()).value());
    }

    static Tensor get(Map<String, Tensor> weights, String key) {
        return Objects.requireNonNull(weights.get(key), key);
    }

    static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(9).at(name), shape);
    }

    @Override
    public void close() {
        owner.close();
        scope.close();
        guard.close();
    }
}
