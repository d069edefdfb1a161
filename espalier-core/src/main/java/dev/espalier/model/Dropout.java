package dev.espalier.model;

import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Scalar;

/** Dropout of a named layer in training, with inverted scaling; the identity in evaluation. */
public record Dropout(String name, double p) {

    /** {@code [rows * tokens, features]} in and out. */
    public Variable forward(Variable x, ForwardContext context) {
        var tape = context.tape();
        try (var scope = Scope.open()) {
            var mask = context.dropoutMask(
                    name, p, (int) x.value().size(1), x.value().scalar_type());
            if (mask == null) {
                return x;
            }
            tape.save(mask);
            var scale = 1 / (1 - p);
            var y = x.value().mul(mask).mul_(new Scalar(scale));
            return tape.record(
                    scope,
                    y,
                    x.requiresGrad(),
                    dY -> x.accumulate(dY.mul(mask).mul_(new Scalar(scale))));
        }
    }
}
