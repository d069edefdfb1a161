package dev.espalier.model;

import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;

/** The residual stream of a block that normalises its input. */
final class Residual {
    private Residual() {}

    /** {@code branch + stream}; the sum overwrites {@code branch}, which nothing else may use. */
    static Variable add(Variable branch, Variable stream, ForwardContext context) {
        try (var scope = context.tape().scope(Part.NORM_AND_ACTIVATION)) {
            branch.value().add_(stream.value());
            boolean requiresGrad = branch.requiresGrad() || stream.requiresGrad();
            return context.tape().record(scope, new Tensor(branch.value()), requiresGrad, dY -> {
                // Both may share the buffer: the producer of the branch reads it before anything is added to the
                // stream's gradient.
                branch.accumulate(dY);
                stream.accumulate(dY);
            });
        }
    }
}
