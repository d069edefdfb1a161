package dev.espalier.model;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Softmax;
import dev.espalier.tensor.Tape;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Causal attention tile by tile, forward and backward. Scores are {@code c tanh(q kᵀ / c)} with a cap {@code c}, {@code q
 * kᵀ} without.
 *
 * @param q scaled and turned, {@code [rows, keyValueHeads, group, tokens, headDim]}
 * @param k turned, {@code [rows, keyValueHeads, tokens, headDim]}
 * @param v of that shape
 * @param window how many tokens back a query sees, itself included; 0 for all
 * @param cap 0 for none
 */
record TiledAttention(
        Tensor q, Tensor k, Tensor v, List<AttentionTile> tiles, int window, double cap, ForwardContext context)
        implements CausalPass {
    private static final float HIDDEN = -1e30f;

    private record MaskKey(int queries, int before, int window, int group, ScalarType dtype) {}

    @Override
    public Kept forward(Tensor result, boolean keeps, Tape tape) {
        var kept = new AttentionWeights[tiles.size()];
        var softmax = new Softmax();
        for (int i = 0; i < kept.length; i++) {
            try (var scope = Scope.open()) {
                var tile = tiles.get(i);
                var weights = weights(tile, softmax);
                var sums = weights.of(keys(v, tile));
                var to = queries(result, tile);
                to.copy_(sums.view(to.shape()));
                if (keeps) {
                    kept[i] = weights;
                    weights.save(tape);
                }
            }
        }
        return keeps ? i -> kept[i] : i -> weights(tiles.get(i), softmax);
    }

    @Override
    public Slopes backward(Tensor dResult, Kept kept) {
        var dtype = Engine.dtype(q);
        // Several tiles add to the gradient of a key.
        int sequences = AttentionTile.startsTogether(context.layout())
                ? 1
                : context.layout().segments().size();
        boolean once = tiles.size() == sequences;
        var summed = dtype == ScalarType.BFloat16 && !once ? ScalarType.Float : dtype;
        var dQ = target(q.shape(), dtype, coversAll());
        var dK = target(k.shape(), summed, once && coversAll());
        var dV = target(v.shape(), summed, once && coversAll());
        for (int i = 0; i < tiles.size(); i++) {
            try (var scope = Scope.open()) {
                var tile = tiles.get(i);
                var weights = kept.of(i);
                var dOut = rows(queries(dResult, tile));
                var dProducts = weights.productsGradient(dOut, transposed(v, tile));
                add(keys(dV, tile), weights.valuesGradient(dOut), once);
                var to = queries(dQ, tile);
                to.copy_(torch.bmm(dProducts, keys(k, tile)).view(to.shape()));
                add(keys(dK, tile), torch.bmm(dProducts.transpose(1, 2), rows(queries(q, tile))), once);
            }
        }
        return new Slopes(dQ, dK.to(dtype), dV.to(dtype));
    }

    private boolean coversAll() {
        return AttentionTile.readsAll(context.layout());
    }

    /** What no tile writes to must be a number, though nobody reads it. */
    private static Tensor target(long[] shape, ScalarType dtype, boolean written) {
        var options = Engine.options(dtype);
        return written ? torch.empty(shape, options, null) : torch.zeros(shape, options);
    }

    private static void add(Tensor sum, Tensor part, boolean once) {
        if (once) {
            sum.copy_(part);
        } else {
            sum.add_(part);
        }
    }

    private AttentionWeights weights(AttentionTile tile, Softmax softmax) {
        return AttentionWeights.of(
                rows(queries(q, tile)), transposed(k, tile), cap, scores -> hide(scores, tile), null, softmax);
    }

    /** Hides what comes after a query, and what lies before its window. */
    private void hide(Tensor scores, AttentionTile tile) {
        if (tile.seesAll()) {
            return;
        }
        long group = q.size(2);
        int before = tile.keys() - tile.queries();
        boolean cut = window > 0 && tile.keys() > window;
        var key = new MaskKey(tile.queries(), cut ? before : 0, cut ? window : 0, (int) group, Engine.dtype(scores));
        var mask = context.shared(key, () -> mask(key));
        (cut ? scores : scores.narrow(2, before, tile.queries())).add_(mask);
    }

    /** {@code [group * queries, before + queries]}. */
    private static Tensor mask(MaskKey key) {
        int keys = key.before + key.queries;
        var values = new float[key.queries * keys];
        for (int query = 0; query < key.queries; query++) {
            for (int place = 0; place < keys; place++) {
                int back = key.before + query - place;
                boolean seen = back >= 0 && (key.window == 0 || back < key.window);
                values[query * keys + place] = seen ? 0 : HIDDEN;
            }
        }
        return torch.tensor(values)
                .to(key.dtype)
                .view(1, key.queries, keys)
                .expand(key.group, key.queries, keys)
                .reshape((long) key.group * key.queries, keys);
    }

    /** A view of a tile's queries, {@code [rows, keyValueHeads, group, queries, headDim]}. */
    private static Tensor queries(Tensor x, AttentionTile tile) {
        return x.narrow(0, tile.row(), tile.rows()).narrow(3, tile.firstQuery(), tile.queries());
    }

    /** Queries side by side, {@code [rows * keyValueHeads, group * queries, headDim]}. */
    private static Tensor rows(Tensor queries) {
        return queries.reshape(queries.size(0) * queries.size(1), queries.size(2) * queries.size(3), queries.size(4));
    }

    /** A view of a tile's keys or values, {@code [rows * keyValueHeads, keys, headDim]}. */
    private static Tensor keys(Tensor x, AttentionTile tile) {
        return x.narrow(0, tile.row(), tile.rows()).flatten(0, 1).narrow(1, tile.firstKey(), tile.keys());
    }

    /** The same as {@code [rows * keyValueHeads, headDim, keys]}; of a part a copy in the order that products take as it is. */
    private static Tensor transposed(Tensor x, AttentionTile tile) {
        return keys(x, tile).contiguous().transpose(1, 2);
    }
}
