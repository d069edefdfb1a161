package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.NativeOp;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Bidirectional scaled dot-product attention, {@code softmax(q kᵀ / √e) v} per head. Probabilities are kept for the
 * backward pass: at encoder lengths that is less work than computing them again.
 */
public final class SelfAttention {
    private static final NativeOp SOFTMAX_BACKWARD = new NativeOp("aten::_softmax_backward_data", "out");

    private final String name;
    private final int heads;
    private final double dropout;

    /**
     * @param name the module's path, which dropout draws depend on
     * @param dropout probability that an attention weight is dropped in training
     */
    public SelfAttention(String name, int heads, double dropout) {
        this.name = name;
        this.heads = heads;
        this.dropout = dropout;
    }

    /**
     * Queries and the result are {@code [rows * queries, heads * e]}, keys and values {@code [rows * tokens, heads * e]}.
     * Where a row has fewer queries than tokens, they are its first tokens'.
     */
    public Variable forward(Variable query, Variable key, Variable value, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.ATTENTION)) {
            double scale = 1 / Math.sqrt(query.value().size(1) / (double) heads);
            var q = split(query.value(), context);
            q.mul_(new Scalar(scale));
            var k = split(key.value(), context);
            var v = split(value.value(), context);
            var probabilities = scores(q, k, context);
            torch.softmax_out(probabilities, probabilities, -1);
            var mask = dropoutMask(q.size(1), Engine.dtype(q), context);
            var weights = mask == null ? probabilities : probabilities.mul(mask);
            boolean requiresGrad = query.requiresGrad() || key.requiresGrad() || value.requiresGrad();
            if (requiresGrad) {
                for (var saved : new Tensor[] {q, k, v, probabilities, weights}) {
                    tape.save(saved);
                }
            }
            return tape.record(scope, join(torch.bmm(weights, v), context), requiresGrad, dY -> {
                var dOut = split(dY, context);
                var dWeights = torch.bmm(dOut, v.transpose(1, 2));
                if (mask != null) {
                    dWeights.mul_(mask);
                }
                var dScores = softmaxBackward(dWeights, probabilities);
                value.accumulate(join(torch.bmm(weights.transpose(1, 2), dOut), context));
                query.accumulate(join(torch.bmm(dScores, k).mul_(new Scalar(scale)), context));
                key.accumulate(join(torch.bmm(dScores.transpose(1, 2), q), context));
            });
        }
    }

    /** {@code [rows * n, heads * e]} to a new {@code [rows * heads, n, e]}. */
    private Tensor split(Tensor x, ForwardContext context) {
        long rows = context.rows();
        long n = x.size(0) / rows;
        long e = x.size(1) / heads;
        var target = torch.empty(new long[] {rows * heads, n, e}, x.options(), null);
        target.view(rows, heads, n, e).copy_(x.view(rows, n, heads, e).transpose(1, 2));
        return target;
    }

    /** {@code [rows * heads, n, e]} to a new {@code [rows * n, heads * e]}. */
    private Tensor join(Tensor x, ForwardContext context) {
        long rows = context.rows();
        long n = x.size(1);
        long e = x.size(2);
        var target = torch.empty(new long[] {rows * n, heads * e}, x.options(), null);
        target.view(rows, n, heads, e).copy_(x.view(rows, heads, n, e).transpose(1, 2));
        return target;
    }

    private Tensor scores(Tensor q, Tensor k, ForwardContext context) {
        var mask = context.keyMask(Engine.dtype(q));
        if (mask == null) {
            return torch.bmm(q, k.transpose(1, 2));
        }
        long tokens = context.tokens();
        var perHead = mask.view(context.rows(), 1, 1, tokens)
                .expand(context.rows(), heads, 1, tokens)
                .reshape((long) context.rows() * heads, 1, tokens)
                .expand((long) context.rows() * heads, q.size(1), tokens);
        return torch.baddbmm(perHead, q, k.transpose(1, 2));
    }

    private @Nullable Tensor dropoutMask(long queries, ScalarType dtype, ForwardContext context) {
        var training = context.training();
        if (training == null || dropout <= 0) {
            return null;
        }
        var mask = training.random()
                .at(name)
                .attentionKeepMask(dropout, training.sequences(), context.layout(), (int) queries, heads, dtype);
        mask.mul_(new Scalar(1 / (1 - dropout)));
        return context.tape().save(mask);
    }

    private static Tensor softmaxBackward(Tensor dProbabilities, Tensor probabilities) {
        // The operator may write over its first argument: every row is read before it is written.
        SOFTMAX_BACKWARD.call(
                dProbabilities, probabilities, -1L, (long) probabilities.scalar_type().value, dProbabilities);
        return dProbabilities;
    }
}
