package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A delta written as plain tensor code, {@code y += f(x, weights)} with {@code f} linear in {@code x}; libtorch
 * differentiates it. For what is new or small: it keeps all that autograd keeps.
 */
final class PlainDelta implements LinearDelta, Mergeable {
    /** Inputs of the weight that are merged at a time. */
    private static final int CHUNK = 256;

    private final String name;
    private final double dropout;
    private final List<Parameter> weights;
    private final Addition addition;

    /** What is added to the output. */
    @FunctionalInterface
    interface Addition {
        /**
         * @param x {@code [tokens, in]}
         * @param weights in the order they were given, in the dtype of {@code x}
         * @return {@code [tokens, out]}
         */
        Tensor of(Tensor x, List<Tensor> weights);
    }

    /**
     * @param name the module's path, which dropout draws depend on
     * @param dropout on the input in training
     */
    PlainDelta(String name, double dropout, List<Parameter> weights, Addition addition) {
        this.name = name;
        this.dropout = dropout;
        this.weights = List.copyOf(weights);
        this.addition = addition;
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    @SuppressWarnings("try") // the mode works by being open
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(y);
        var scale = scale(linear, dtype, context);
        var input = (scale == null ? x.value() : x.value().mul(scale)).detach();
        var arguments = weights.stream().map(p -> p.value().detach()).toList();
        var wanted = new ArrayList<Tensor>();
        if (tape.isRecording() && x.requiresGrad()) {
            input.requires_grad_(true);
            wanted.add(input);
        }
        for (int i = 0; i < arguments.size(); i++) {
            if (tape.trains(weights.get(i))) {
                arguments.get(i).requires_grad_(true);
                wanted.add(arguments.get(i));
            }
        }
        if (wanted.isEmpty()) {
            y.add_(addition.of(input, cast(arguments, dtype)));
            return null;
        }
        Tensor added;
        try (var mode = new AutoGradMode(true)) {
            added = addition.of(input, cast(arguments, dtype));
        }
        y.add_(added.detach());
        tape.save(added);
        wanted.forEach(tape::save);
        if (scale != null) {
            tape.save(scale);
        }
        return dY -> {
            deliver(x, Tape.gradients(added, wanted, dY), scale, tape);
            return dY;
        };
    }

    /** Zero where dropout falls, else what makes up for it; null where there is none. */
    private @Nullable Tensor scale(Linear linear, ScalarType dtype, ForwardContext context) {
        var mask = context.dropoutMask(name + ".lora_dropout", dropout, linear.inFeatures(), dtype);
        return mask == null ? null : mask.div(new Scalar(1 - dropout));
    }

    private void deliver(Variable x, List<Tensor> gradients, @Nullable Tensor scale, Tape tape) {
        int place = 0;
        if (x.requiresGrad()) {
            var dX = gradients.get(place++);
            x.accumulate(scale == null ? dX : dX.mul(scale));
        }
        for (var weight : weights) {
            if (tape.trains(weight)) {
                tape.deliver(weight, gradients.get(place++));
            }
        }
    }

    private static List<Tensor> cast(List<Tensor> values, ScalarType dtype) {
        return values.stream().map(value -> value.to(dtype)).toList();
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        try (var scope = Scope.open()) {
            var sum = rows.clone();
            var values = weights.stream().map(Parameter::value).toList();
            long in = rows.size(1);
            for (long from = 0; from < in; from += CHUNK) {
                try (var inner = Scope.open()) {
                    long count = Math.min(CHUNK, in - from);
                    var units = torch.zeros(new long[] {count, in}, Engine.options(ScalarType.Float));
                    units.narrow(1, from, count).fill_diagonal_(new Scalar(1.0));
                    var columns = addition.of(units, values).narrow(1, first, rows.size(0));
                    sum.narrow(1, from, count).add_(columns.t());
                }
            }
            return scope.keep(sum);
        }
    }
}
