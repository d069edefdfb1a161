package dev.espalier.model;

import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Takes the first token of every row. */
final class FirstTokens {
    private FirstTokens() {}

    /** {@code [rows * tokens, features]} to {@code [rows, features]}. */
    static Variable of(Variable x, ForwardContext context) {
        try (var scope = context.tape().scope(Part.LINEAR)) {
            var shape = x.value().shape();
            return context.tape().record(scope, firsts(x.value(), context).clone(), x.requiresGrad(), dY -> {
                var dX = torch.zeros(shape, dY.options());
                firsts(dX, context).copy_(dY);
                x.accumulate(dX);
            });
        }
    }

    private static Tensor firsts(Tensor x, ForwardContext context) {
        return x.view(context.rows(), context.tokens(), -1).select(1, 0);
    }
}
