package dev.espalier.model;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Cosines and sines of a pass, and the rotation with them.
 *
 * @param cosine {@code [rows or 1, 1, 1, tokens, dimensions / 2]}
 * @param sine of the same shape
 */
record RotaryTable(Tensor cosine, Tensor sine) {
    private record Key(Rope rope, boolean sine, ScalarType dtype) {}

    /** The table for the positions of {@code context}; computed in fp64, rounded to {@code dtype}. */
    static RotaryTable of(Rope rope, ForwardContext context, ScalarType dtype) {
        return new RotaryTable(
                context.shared(new Key(rope, false, dtype), () -> table(rope, context, Math::cos, dtype)),
                context.shared(new Key(rope, true, dtype), () -> table(rope, context, Math::sin, dtype)));
    }

    private interface Wave {
        double of(double angle);
    }

    private static Tensor table(Rope rope, ForwardContext context, Wave wave, ScalarType dtype) {
        var order = context.tokenOrder();
        var frequencies = rope.frequencies(order.longest());
        int rows = order.sameInAllRows() ? 1 : context.rows();
        int tokens = context.tokens();
        var values = new float[rows * tokens * frequencies.length];
        int place = 0;
        for (int token = 0; token < rows * tokens; token++) {
            for (double frequency : frequencies) {
                // Angles in fp32, as transformers computes them: at long positions the difference is visible.
                float angle = (float) order.queryPosition(token) * (float) frequency;
                values[place++] = (float) (wave.of(angle) * rope.attention());
            }
        }
        return torch.tensor(values).view(rows, 1, 1, tokens, frequencies.length).to(dtype);
    }

    /**
     * Turns every head's features.
     *
     * @param target {@code [rows, groups, heads, tokens, headDim]}; not {@code source}
     * @param source of the same shape, with any strides
     * @param back whether to turn back, as the gradient is
     */
    void rotate(Tensor target, Tensor source, boolean back) {
        long half = cosine.size(4);
        long headDim = source.size(4);
        var first = source.narrow(4, 0, half);
        var second = source.narrow(4, half, half);
        var toFirst = target.narrow(4, 0, half);
        var toSecond = target.narrow(4, half, half);
        double sign = back ? 1 : -1;
        torch.mul_out(toFirst, first, cosine);
        toFirst.addcmul_(second, sine, new Scalar(sign));
        torch.mul_out(toSecond, second, cosine);
        toSecond.addcmul_(first, sine, new Scalar(-sign));
        if (2 * half < headDim) {
            target.narrow(4, 2 * half, headDim - 2 * half).copy_(source.narrow(4, 2 * half, headDim - 2 * half));
        }
    }
}
