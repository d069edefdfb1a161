package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Softmax;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
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
    /** Bytes of scores that are worked on at a time: they stay in a cache from one operation to the next. */
    private static final long CHUNK = 3 << 20;

    /** Neighbouring rows of a batch. */
    private record Chunk(int row, int rows) {
        /** A view of what {@code x} has of these rows. */
        Tensor of(Tensor x, long perRow) {
            return x.narrow(0, row * perRow, rows * perRow);
        }
    }

    /**
     * What backward needs of a chunk.
     *
     * @param q scaled, {@code [rows * heads, queries, e]}
     * @param k {@code [rows * heads, tokens, e]}
     * @param v of that shape
     */
    private record Kept(Tensor q, Tensor k, Tensor v, AttentionWeights weights) {
        void save(Tape tape) {
            for (var tensor : new Tensor[] {q, k, v}) {
                tape.save(tensor);
            }
            weights.save(tape);
        }
    }

    private final String name;
    private final int heads;
    private final double dropout;
    private final long chunk;

    /**
     * @param name the module's path, which dropout draws depend on
     * @param dropout probability that an attention weight is dropped in training
     */
    public SelfAttention(String name, int heads, double dropout) {
        this(name, heads, dropout, CHUNK);
    }

    /** As the other, with as many rows at a time as have {@code chunk} bytes of scores; one at least. */
    SelfAttention(String name, int heads, double dropout, long chunk) {
        this.name = name;
        this.heads = heads;
        this.dropout = dropout;
        this.chunk = chunk;
    }

    /**
     * Queries and the result are {@code [rows * queries, heads * e]}, keys and values {@code [rows * tokens, heads * e]}.
     * Where a row has fewer queries than tokens, they are its first tokens'.
     */
    public Variable forward(Variable query, Variable key, Variable value, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.ATTENTION)) {
            double scale = 1 / Math.sqrt(query.value().size(1) / (double) heads);
            int queries = (int) query.value().size(0) / context.rows();
            int tokens = context.tokens();
            var mask = dropoutMask(queries, Engine.dtype(query.value()), context);
            boolean requiresGrad = query.requiresGrad() || key.requiresGrad() || value.requiresGrad();
            var chunks = chunks(queries, query.value().element_size(), context);
            var kept = new ArrayList<Kept>();
            var softmax = new Softmax();
            var result = torch.empty(query.value().shape(), query.value().options(), null);
            for (var chunk : chunks) {
                try (var inner = Scope.open()) {
                    var q = split(chunk.of(query.value(), queries), chunk.rows);
                    q.mul_(new Scalar(scale));
                    var k = split(chunk.of(key.value(), tokens), chunk.rows);
                    var v = split(chunk.of(value.value(), tokens), chunk.rows);
                    var keep = mask == null ? null : chunk.of(mask, heads);
                    var weights = AttentionWeights.of(
                            q, k.transpose(1, 2), 0, scores -> hide(scores, chunk, context), keep, softmax);
                    join(weights.of(v), chunk.of(result, queries), chunk.rows);
                    if (tape.isRecording() && requiresGrad) {
                        var needed = new Kept(q, k, v, weights);
                        needed.save(tape);
                        kept.add(needed);
                    }
                }
            }
            return tape.record(scope, result, requiresGrad, dY -> {
                long hidden = dY.size(1);
                var dQuery = torch.empty(dY.shape(), dY.options(), null);
                var dKey = torch.empty(new long[] {(long) context.rows() * tokens, hidden}, dY.options(), null);
                var dValue = torch.empty(dKey.shape(), dY.options(), null);
                for (int i = 0; i < chunks.size(); i++) {
                    try (var inner = Scope.open()) {
                        var chunk = chunks.get(i);
                        var of = kept.get(i);
                        var dOut = split(chunk.of(dY, queries), chunk.rows);
                        join(of.weights.valuesGradient(dOut), chunk.of(dValue, tokens), chunk.rows);
                        var dScores = of.weights.productsGradient(dOut, of.v.transpose(1, 2));
                        var dQ = torch.bmm(dScores, of.k);
                        dQ.mul_(new Scalar(scale));
                        join(dQ, chunk.of(dQuery, queries), chunk.rows);
                        join(torch.bmm(dScores.transpose(1, 2), of.q), chunk.of(dKey, tokens), chunk.rows);
                    }
                }
                value.accumulate(dValue);
                query.accumulate(dQuery);
                key.accumulate(dKey);
            });
        }
    }

    /** {@code [rows * n, heads * e]} to a new {@code [rows * heads, n, e]}. */
    private Tensor split(Tensor x, int rows) {
        long n = x.size(0) / rows;
        long e = x.size(1) / heads;
        var target = torch.empty(new long[] {(long) rows * heads, n, e}, x.options(), null);
        target.view(rows, heads, n, e).copy_(x.view(rows, n, heads, e).transpose(1, 2));
        return target;
    }

    /** {@code [rows * heads, n, e]} into {@code [rows * n, heads * e]}. */
    private void join(Tensor x, Tensor target, int rows) {
        long n = x.size(1);
        long e = x.size(2);
        target.view(rows, n, heads, e).copy_(x.view(rows, heads, n, e).transpose(1, 2));
    }

    private List<Chunk> chunks(long queries, long bytesEach, ForwardContext context) {
        int rows = context.rows();
        long bytes = heads * queries * context.tokens() * bytesEach;
        int most = (int) Math.max(1, chunk / bytes);
        int count = (rows + most - 1) / most;
        var chunks = new ArrayList<Chunk>();
        for (int i = 0; i < count; i++) {
            int row = (int) ((long) rows * i / count);
            chunks.add(new Chunk(row, (int) ((long) rows * (i + 1) / count) - row));
        }
        return chunks;
    }

    /** Hides what pads the rows. */
    private void hide(Tensor scores, Chunk chunk, ForwardContext context) {
        var mask = context.keyMask(Engine.dtype(scores));
        if (mask != null) {
            long tokens = context.tokens();
            scores.view(chunk.rows, heads, scores.size(1), tokens)
                    .add_(chunk.of(mask.view(context.rows(), tokens), 1).view(chunk.rows, 1, 1, tokens));
        }
    }

    private @Nullable Tensor dropoutMask(long queries, ScalarType dtype, ForwardContext context) {
        var training = context.training();
        if (training == null || dropout <= 0) {
            return null;
        }
        var mask = training.random()
                .at(name)
                .attentionKeepMask(dropout, training.sequences(), context.layout(), (int) queries, heads, dtype);
        return mask.mul_(new Scalar(1 / (1 - dropout)));
    }
}
