package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Profile.Part;
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
            int tile = tile(context, dtype);
            var pass = tile > 0 ? tiled(q, k, v, tile, context) : masked(q, k, v, context);
            boolean covered = tile == 0 || AttentionTile.readsAll(context.layout());
            // What no sequence covers is read by nobody, but must be a number.
            var result = covered ? torch.empty_like(query.value()) : torch.zeros_like(query.value());
            boolean requiresGrad = query.requiresGrad() || key.requiresGrad() || value.requiresGrad();
            boolean saves = tape.isRecording() && requiresGrad;
            int longest = tile > 0 ? context.layout().longest() : context.tokens();
            var kept = pass.forward(perHead(result, group, context), saves && longest <= keptUpTo, tape);
            if (saves) {
                for (var tensor : new Tensor[] {pass.q(), pass.k(), pass.v()}) {
                    tape.save(tensor);
                }
            }
            return tape.record(scope, result, requiresGrad, dY -> {
                var slopes = pass.backward(perHead(dY, group, context), kept);
                value.accumulate(join(slopes.v(), 1, null, context));
                if (query.requiresGrad()) {
                    query.accumulate(join(slopes.q().mul_(new Scalar(scale)), group, table, context));
                }
                if (key.requiresGrad()) {
                    key.accumulate(join(slopes.k(), 1, table, context));
                }
            });
        }
    }

    /** Queries of a tile; 0 where one mask is asked for, keys are in a cache, rows are padded at their beginning, or dropout has a mask for all. */
    private int tile(ForwardContext context, ScalarType dtype) {
        var layout = context.layout();
        boolean fits = !context.oneMask()
                && context.cache() == null
                && (dropout <= 0 || context.training() == null)
                && (AttentionTile.startsTogether(layout) || !layout.unpacked());
        return fits ? tiles.tile(Engine.deviceName(), Engine.name(dtype), layout.longest(), !layout.unpacked()) : 0;
    }

    private CausalPass tiled(Tensor q, Tensor k, Tensor v, int tile, ForwardContext context) {
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

    private CausalPass masked(Tensor q, Tensor k, Tensor v, ForwardContext context) {
        var order = context.tokenOrder();
        var dtype = Engine.dtype(q);
        var training = context.training();
        return new MaskedAttention(
                q,
                k,
                v,
                scores -> {
                    if (!order.seesAll(window)) {
                        scores.add_(mask(order, dtype, context));
                    }
                },
                cap,
                training == null || dropout <= 0 ? null : () -> keep(dtype, context, training));
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

    /** Dropout's mask, {@code [rows * keyValueHeads, group * tokens, tokens]}. */
    private Tensor keep(ScalarType dtype, ForwardContext context, ForwardContext.Training training) {
        int tokens = context.tokens();
        var mask = training.random()
                .at(name)
                .attentionKeepMask(
                        dropout, training.sequences(), context.layout(), tokens, keyValueHeads * group, dtype);
        mask.mul_(new Scalar(1 / (1 - dropout)));
        return mask.view((long) context.rows() * keyValueHeads, (long) group * tokens, tokens);
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
