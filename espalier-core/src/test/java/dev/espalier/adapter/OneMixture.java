package dev.espalier.adapter;

import dev.espalier.adapter.MixtureSpec.Kind;
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
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** One linear with a mixture that has learned something, and a batch. */
final class OneMixture implements AutoCloseable {
    static final int IN = 12;
    static final int OUT = 10;
    static final int TOKENS = 7;
    static final int[] LENGTHS = {7, 4, 1};

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final Owner owner = new Owner();
    final Tensor x;
    private final Tensor slope;
    final Linear linear;
    private final List<Parameter> parameters;
    private final MixtureSpec spec;
    private final List<Tensor> noise;
    Tensor dX;

    OneMixture(MixtureSpec spec, long seed) {
        this.spec = spec;
        var random = RandomStream.of(seed);
        x = Initialiser.normal(1, random.at("x"), (long) LENGTHS.length * TOKENS, IN);
        slope = Initialiser.normal(1, random.at("slope"), (long) LENGTHS.length * TOKENS, OUT);
        for (int row = 0; row < LENGTHS.length; row++) {
            slope.narrow(0, (long) row * TOKENS + LENGTHS[row], TOKENS - LENGTHS[row])
                    .zero_();
        }
        linear = new Linear(
                "layer.0.linear",
                new Parameter("layer.0.linear.weight", Initialiser.normal(.3, random.at("w"), OUT, IN), false),
                new Parameter("layer.0.linear.bias", Initialiser.normal(.3, random.at("b"), OUT), false));
        var weights = new DeltaWeights("a", "layer.0.linear", DeltaWeights.drawn(random), owner);
        linear.attach("a", spec.delta(linear, weights));
        parameters = weights.made().stream().map(DeltaWeights.Stored::parameter).toList();
        noise = trained().stream()
                .map(p -> Initialiser.normal(.4, random.at(p.name()).at(1), p.shape()))
                .toList();
        learn(1);
        dX = x;
    }

    private void learn(double factor) {
        for (int i = 0; i < noise.size(); i++) {
            trained().get(i).value().add_(noise.get(i), new Scalar(factor));
        }
    }

    /** Back to the first values, to rounding. */
    void forget() {
        learn(-1);
    }

    List<Parameter> trained() {
        return parameters.stream().filter(Parameter::trainable).toList();
    }

    Parameter parameter(String part) {
        return parameters.stream()
                .filter(p -> p.name().contains(part))
                .findFirst()
                .orElseThrow();
    }

    Tensor base() {
        return torch.addmm(
                Objects.requireNonNull(linear.bias()).value(),
                x,
                linear.weight().value().t());
    }

    Tensor evaluate() {
        return evaluate(x, Layout.rightPadded(TOKENS, LENGTHS));
    }

    Tensor evaluate(Tensor tokens, Layout layout) {
        try (var context = ForwardContext.evaluation(Tape.inference(), layout)) {
            return linear.forward(context.tape().constant(tokens), context).value();
        }
    }

    private ForwardContext training(Tape tape) {
        var training = new ForwardContext.Training(RandomStream.of(9), new long[] {3, 1, 2}, LENGTHS.length);
        return ForwardContext.training(tape, Layout.rightPadded(TOKENS, LENGTHS), training)
                .tasks(new int[] {0, 1, 1});
    }

    Gradients step() {
        var gradients = new Gradients(parameters);
        try (var context = training(Tape.recording(gradients))) {
            var input = context.tape().input(x);
            var y = linear.forward(input, context);
            context.tape().backward(y, slope.clone());
            dX = Objects.requireNonNull(input.gradient()).clone();
        }
        return gradients;
    }

    /** The loss after input and all trained weights have moved on. */
    double lossAt(Tensor ofX, List<Tensor> directions, double size) {
        x.add_(ofX, new Scalar(size));
        for (int i = 0; i < directions.size(); i++) {
            trained().get(i).value().add_(directions.get(i), new Scalar(size));
        }
        try (var context = training(Tape.inference())) {
            var y = linear.forward(context.tape().constant(x), context).value();
            return y.to(torch.ScalarType.Double).mul(slope).sum().item_double() + context.auxiliaryLoss();
        }
    }

    void reverseExperts() {
        for (var parameter : parameters) {
            var value = parameter.value();
            int experts = spec.experts().count();
            boolean shared =
                    spec.experts().kind() == Kind.SHARED_A && parameter.name().contains("lora_A");
            if (shared
                    || parameter.name().contains("threshold")
                    || parameter.name().contains("router.hidden")) {
                continue;
            }
            Tensor reversed;
            if (parameter.name().contains("lora_B")) {
                reversed = value.view(OUT, experts, -1).flip(1).reshape(value.shape());
            } else if (spec.routing().perRank() && parameter.name().contains("router")) {
                reversed = value.view(-1, experts, IN).flip(1).reshape(value.shape());
            } else {
                reversed = value.view(experts, -1).flip(0).reshape(value.shape());
            }
            value.copy_(reversed);
        }
    }

    @Override
    public void close() {
        owner.close();
        scope.close();
        guard.close();
    }
}
