package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** Dropout of a named layer in training, with inverted scaling; the identity in evaluation. */
public record Dropout(String name, double p) {

    /** {@code [rows * tokens, features]} in and out. */
    public Variable forward(Variable x, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.NORM_AND_ACTIVATION)) {
            var mask = context.dropoutMask(name, p, (int) x.value().size(1), Engine.dtype(x.value()));
            if (mask == null) {
                return x;
            }
            tape.save(mask);
            var scale = 1 / (1 - p);
            return tape.record(
                    scope,
                    scaled(x.value(), mask, scale),
                    x.requiresGrad(),
                    dY -> x.accumulate(scaled(dY, mask, scale)));
        }
    }

    private static Tensor scaled(Tensor x, Tensor mask, double scale) {
        var y = x.mul(mask);
        y.mul_(new Scalar(scale));
        return y;
    }
}
