package dev.espalier.model;

import dev.espalier.tensor.Softmax;
import dev.espalier.tensor.Tape;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * How much each of some queries takes of the values of some keys, {@code softmax(c tanh(q kᵀ / c))} or {@code softmax(q
 * kᵀ)}, and the way back to the scores. Sequences and heads are multiplied side by side.
 *
 * @param probabilities {@code [heads, queries, keys]}
 * @param kept what dropout leaves of them
 * @param keep dropout's mask, {@code 1 / (1 - p)} where a probability stays; null without
 * @param capped {@code tanh(q kᵀ / c)}; null without a cap
 */
record AttentionWeights(
        Tensor probabilities,
        Tensor kept,
        @Nullable Tensor keep,
        @Nullable Tensor capped) {
    /**
     * Computes them.
     *
     * @param q scaled, {@code [heads, queries, e]}
     * @param keys {@code [heads, e, keys]}
     * @param cap 0 for none
     * @param hide makes the scores of what a query may not see so low that nothing is left of them
     */
    static AttentionWeights of(
            Tensor q, Tensor keys, double cap, Consumer<Tensor> hide, @Nullable Tensor keep, Softmax softmax) {
        var capped = cap > 0 ? torch.bmm(q, keys).div_(new Scalar(cap)).tanh_() : null;
        var tanh = capped == null ? null : new Tensor(capped);
        var probabilities = softmax.of(() -> {
            var scores = tanh == null ? torch.bmm(q, keys) : tanh.mul(new Scalar(cap));
            hide.accept(scores);
            return scores;
        });
        return new AttentionWeights(probabilities, keep == null ? probabilities : probabilities.mul(keep), keep, tanh);
    }

    void save(Tape tape) {
        tape.save(probabilities);
        if (keep != null) {
            tape.save(kept);
            tape.save(keep);
        }
        if (capped != null) {
            tape.save(capped);
        }
    }

    /** What the queries take, {@code [heads, queries, e]}, of values {@code [heads, keys, e]}. */
    Tensor of(Tensor values) {
        return torch.bmm(kept, values);
    }

    /** The gradient of the values, {@code [heads, keys, e]}, from that of what the queries took. */
    Tensor valuesGradient(Tensor dOut) {
        return torch.bmm(kept.transpose(1, 2), dOut);
    }

    /**
     * The gradient of the products {@code q kᵀ}, {@code [heads, queries, keys]}.
     *
     * @param values turned, {@code [heads, e, keys]}
     */
    Tensor productsGradient(Tensor dOut, Tensor values) {
        var gradient = torch.bmm(dOut, values);
        if (keep != null) {
            gradient.mul_(keep);
        }
        Softmax.backward(gradient, probabilities);
        if (capped != null) {
            gradient.sub_(gradient.mul(capped).mul_(capped));
        }
        return gradient;
    }
}
