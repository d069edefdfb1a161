package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Trained factors on what a linear gets: {@code y = W (l ⊙ x) + b}. IA3's other half. */
final class InputScaleDelta implements LinearDelta, Mergeable {
    private final Parameter scale;

    /** @param scale {@code l}, {@code [1, in]} */
    InputScaleDelta(Parameter scale) {
        this.scale = scale;
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public Variable input(Variable x, ForwardContext context) {
        var tape = context.tape();
        try (var scope = Scope.open()) {
            var factors = tape.save(scale.value().to(Engine.dtype(x.value())));
            if (tape.trains(scale)) {
                tape.save(x.value());
            }
            return tape.record(scope, x.value().mul(factors), x.requiresGrad() || tape.trains(scale), dX -> {
                if (tape.trains(scale)) {
                    tape.deliver(scale, dX.mul(x.value()).sum(0).unsqueeze(0));
                }
                x.accumulate(dX.mul(factors));
            });
        }
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        return null;
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        return rows.mul(scale.value());
    }

    @Override
    public Tensor change(Tensor rows, long first) {
        return rows.mul(scale.value().sub(new Scalar(1.0)));
    }
}
