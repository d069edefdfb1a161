package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Softmax;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Causal scaled dot-product attention with rotary positions, windows, capped scores and grouped queries (Ainslie et al.,
 * arXiv 2305.13245): the query heads of a group lie one after another in one matrix, so that their keys and values are
 * never repeated. Scores are {@code c tanh(s q kᵀ / c)} with a cap {@code c}, {@code s q kᵀ} without. Training passes are cut
 * into tiles; those of generation, whose keys are in a cache, and with dropout take all queries at once under a mask.
 */
public final class CausalAttention {
    /**
     * The longest rows whose probabilities are kept for backward. They grow with the square of the length, in every
     * layer, while computing them again costs two of the six products and a softmax.
     */
    private static final int KEPT_UP_TO = 512;

    private final int keptUpTo;
    private final TileChoice tiles;
    private final String name;
    private final int layer;
    private final int keyValueHeads;
    private final int group;
    private final int headDim;
    private final double scale;
    private final double cap;
    private final int window;
    private final Optional<Rope> rope;
    private final double dropout;

    /** The attention of layer {@code layer}, with the tiles that were fastest; {@code name} is its path, which draws depend on. */
    CausalAttention(String name, int layer, DecoderConfig config) {
        this(name, layer, config, KEPT_UP_TO, AttentionTable.RELEASED::tile);
    }

    /**
     * As the other, with tiles of one size.
     *
     * @param tile queries of a tile at most; 0 for all at once under a mask
     */
    public CausalAttention(String name, int layer, DecoderConfig config, int tile) {
        this(name, layer, config, KEPT_UP_TO, tile);
    }

    /** As the other; probabilities of longer sequences than {@code keptUpTo} are computed again in backward. */
    CausalAttention(String name, int layer, DecoderConfig config, int keptUpTo, int tile) {
        this(name, layer, config, keptUpTo, (device, dtype, tokens, packed) -> tile);
    }

    private CausalAttention(String name, int layer, DecoderConfig config, int keptUpTo, TileChoice tiles) {
        this.keptUpTo = keptUpTo;
        this.tiles = tiles;
        this.name = name;
        this.layer = layer;
        keyValueHeads = config.keyValueHeads();
        group = config.heads() / keyValueHeads;
        headDim = config.headDim();
        scale = config.attentionScale();
        cap = config.attentionCap();
        window = config.layers().get(layer).window();
        rope = config.layers().get(layer).rope();
        dropout = config.dropout().attention();
    }

    /** Says how many queries a tile has; 0 for all at once under a mask. */
    @FunctionalInterface
    private interface TileChoice {
        int tile(String device, String dtype, int tokens, boolean packed);
    }

    private record MaskKey(int window, ScalarType dtype) {}

    /** What backward needs of forward; {@code q} is scaled and turned, {@code k} is turned. */
    private record Saved(
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor probabilities,
            Tensor weights,
            @Nullable Tensor scores,
            @Nullable Tensor keep) {}

    /**
     * Queries are {@code [rows * tokens, heads * headDim]}, keys and values {@code [rows * tokens, keyValueHeads *
     * headDim]}, the result is as the queries.
     */
    public Variable forward(Variable query, Variable key, Variable value, ForwardContext context) {
        var tape = context.tape();
        try (var scope = tape.scope(Part.ATTENTION)) {
            var dtype = Engine.dtype(query.value());
            var table = rope.map(r -> RotaryTable.of(r, context, dtype)).orElse(null);
            var q = heads(query.value(), group, table, context);
            q.mul_(new Scalar(scale));
            var k = heads(key.value(), 1, table, context);
            var v = heads(value.value(), 1, null, context);
            var cache = context.cache();
            if (cache != null) {
                var all = cache.append(layer, k, v);
                k = all[0];
                v = all[1];
            }
            boolean requiresGrad = query.requiresGrad() || key.requiresGrad() || value.requiresGrad();
            int tile = tile(context, dtype);
            if (tile > 0) {
                var attention = tiled(q, k, v, tile, context);
                return inTiles(query, key, value, attention, requiresGrad, table, scope);
            }
            var first = attend(q, k, v, context);
            var result = join(torch.bmm(first.weights, v), group, null, context);
            boolean again = context.tokens() > keptUpTo;
            if (tape.isRecording() && requiresGrad) {
                save(first, again, tape);
            }
            return tape.record(scope, result, requiresGrad, dY -> {
                var saved = again ? attend(first.q, first.k, first.v, context) : first;
                backward(query, key, value, dY, saved, table, context);
            });
        }
    }

    /** Queries of a tile; 0 where keys are in a cache, rows are padded at their beginning, or dropout has a mask for all. */
    private int tile(ForwardContext context, ScalarType dtype) {
        var layout = context.layout();
        boolean fits = context.cache() == null
                && (dropout <= 0 || context.training() == null)
                && (AttentionTile.startsTogether(layout) || !layout.unpacked());
        return fits ? tiles.tile(Engine.deviceName(), Engine.name(dtype), layout.longest(), !layout.unpacked()) : 0;
    }

    private TiledAttention tiled(Tensor q, Tensor k, Tensor v, int tile, ForwardContext context) {
        long rows = context.rows();
        long tokens = context.tokens();
        return new TiledAttention(
                q.view(rows, keyValueHeads, group, tokens, headDim),
                k.view(rows, keyValueHeads, tokens, headDim),
                v.view(rows, keyValueHeads, tokens, headDim),
                AttentionTile.of(context.layout(), window, tile),
                window,
                cap,
                context);
    }

    private Variable inTiles(
            Variable query,
            Variable key,
            Variable value,
            TiledAttention attention,
            boolean requiresGrad,
            @Nullable RotaryTable table,
            Scope scope) {
        var context = attention.context();
        var tape = context.tape();
        // What no sequence covers is read by nobody, but must be a number.
        var shape = query.value().shape();
        var options = query.value().options();
        var result = AttentionTile.readsAll(context.layout())
                ? torch.empty(shape, options, null)
                : torch.zeros(shape, options);
        boolean keeps = tape.isRecording() && requiresGrad && context.layout().longest() <= keptUpTo;
        var kept = attention.forward(perHead(result, group, context), keeps, tape);
        if (tape.isRecording() && requiresGrad) {
            tape.save(attention.q());
            tape.save(attention.k());
            tape.save(attention.v());
        }
        return tape.record(scope, result, requiresGrad, dY -> {
            var slopes = attention.backward(perHead(dY, group, context), kept);
            value.accumulate(join(slopes.v(), 1, null, context));
            if (query.requiresGrad()) {
                query.accumulate(join(slopes.q().mul_(new Scalar(scale)), group, table, context));
            }
            if (key.requiresGrad()) {
                key.accumulate(join(slopes.k(), 1, table, context));
            }
        });
    }

    private static void save(Saved saved, boolean inputsOnly, Tape tape) {
        for (var tensor : new Tensor[] {saved.q, saved.k, saved.v}) {
            tape.save(tensor);
        }
        if (inputsOnly) {
            return;
        }
        tape.save(saved.probabilities);
        tape.save(saved.weights);
        if (saved.scores != null) {
            tape.save(saved.scores);
        }
        if (saved.keep != null) {
            tape.save(saved.keep);
        }
    }

    private Saved attend(Tensor q, Tensor k, Tensor v, ForwardContext context) {
        var order = context.tokenOrder();
        var mask = order.seesAll(window) ? null : mask(order, Engine.dtype(q), context);
        var capped =
                cap > 0 ? torch.bmm(q, k.transpose(1, 2)).div_(new Scalar(cap)).tanh_() : null;
        var tanh = capped == null ? null : new Tensor(capped);
        var scores = new Softmax().of(() -> scores(q, k, tanh, mask));
        var keep = keepMask(Engine.dtype(q), context);
        return new Saved(q, k, v, scores, keep == null ? scores : scores.mul(keep), tanh, keep);
    }

    private Tensor scores(Tensor q, Tensor k, @Nullable Tensor tanh, @Nullable Tensor mask) {
        if (tanh != null) {
            var scores = tanh.mul(new Scalar(cap));
            if (mask != null) {
                scores.add_(mask);
            }
            return scores;
        }
        return mask == null ? torch.bmm(q, k.transpose(1, 2)) : torch.baddbmm(mask, q, k.transpose(1, 2));
    }

    /** {@code [rows * keyValueHeads, group * tokens, keys]}, shared by all layers with this window. */
    private Tensor mask(TokenOrder order, ScalarType dtype, ForwardContext context) {
        long tokens = context.tokens();
        long count = (long) context.rows() * keyValueHeads;
        var shared = context.shared(new MaskKey(window, dtype), () -> {
            var mask = order.mask(window).to(dtype);
            long rows = mask.size(0);
            var grouped = mask.unsqueeze(1)
                    .unsqueeze(1)
                    .expand(rows, rows == 1 ? 1 : keyValueHeads, group, tokens, order.keys());
            return grouped.reshape(-1, group * tokens, order.keys());
        });
        return shared.expand(count, group * tokens, order.keys());
    }

    private @Nullable Tensor keepMask(ScalarType dtype, ForwardContext context) {
        var training = context.training();
        if (training == null || dropout <= 0) {
            return null;
        }
        var mask = training.random()
                .at(name)
                .attentionKeepMask(
                        dropout,
                        training.sequences(),
                        context.layout(),
                        context.tokens(),
                        keyValueHeads * group,
                        dtype);
        mask.mul_(new Scalar(1 / (1 - dropout)));
        return mask.view((long) context.rows() * keyValueHeads, (long) group * context.tokens(), context.tokens());
    }

    private void backward(
            Variable query,
            Variable key,
            Variable value,
            Tensor dY,
            Saved saved,
            @Nullable RotaryTable table,
            ForwardContext context) {
        var dOut = heads(dY, group, null, context);
        var dWeights = torch.bmm(dOut, saved.v.transpose(1, 2));
        if (saved.keep != null) {
            dWeights.mul_(saved.keep);
        }
        Softmax.backward(dWeights, saved.probabilities);
        if (saved.scores != null) {
            var tanh = saved.scores;
            dWeights.sub_(dWeights.mul(tanh).mul_(tanh));
        }
        value.accumulate(join(torch.bmm(saved.weights.transpose(1, 2), dOut), 1, null, context));
        if (query.requiresGrad()) {
            var dQuery = torch.bmm(dWeights, saved.k);
            dQuery.mul_(new Scalar(scale));
            query.accumulate(join(dQuery, group, table, context));
        }
        if (key.requiresGrad()) {
            key.accumulate(join(torch.bmm(dWeights.transpose(1, 2), saved.q), 1, table, context));
        }
    }

    /**
     * {@code [rows * tokens, keyValueHeads * each * headDim]} to a new {@code [rows * keyValueHeads, each * tokens,
     * headDim]}, turned by {@code table} if there is one.
     */
    private Tensor heads(Tensor x, int each, @Nullable RotaryTable table, ForwardContext context) {
        long rows = context.rows();
        long tokens = context.tokens();
        var target = torch.empty(new long[] {rows * keyValueHeads, each * tokens, headDim}, x.options(), null);
        var to = target.view(rows, keyValueHeads, each, tokens, headDim);
        var from = perHead(x, each, context);
        if (table == null) {
            to.copy_(from);
        } else {
            table.rotate(to, from, false);
        }
        return target;
    }

    /** The way back of {@link #heads}. */
    private Tensor join(Tensor x, int each, @Nullable RotaryTable table, ForwardContext context) {
        long rows = context.rows();
        long tokens = context.tokens();
        var target = torch.empty(new long[] {rows * tokens, (long) keyValueHeads * each * headDim}, x.options(), null);
        var to = perHead(target, each, context);
        var from = x.view(rows, keyValueHeads, each, tokens, headDim);
        if (table == null) {
            to.copy_(from);
        } else {
            table.rotate(to, from, true);
        }
        return target;
    }

    /** A view {@code [rows, keyValueHeads, each, tokens, headDim]} of {@code [rows * tokens, …]}. */
    private Tensor perHead(Tensor x, int each, ForwardContext context) {
        long stride = x.stride(0);
        long tokens = context.tokens();
        return x.as_strided(
                new long[] {context.rows(), keyValueHeads, each, tokens, headDim},
                new long[] {tokens * stride, (long) each * headDim, headDim, stride, 1});
    }
}
