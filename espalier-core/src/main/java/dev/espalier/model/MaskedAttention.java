package dev.espalier.model;

import dev.espalier.tensor.Softmax;
import dev.espalier.tensor.Tape;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention of all queries at once, under a mask.
 *
 * @param q scaled and turned, {@code [rows * keyValueHeads, group * tokens, headDim]}
 * @param k turned, {@code [rows * keyValueHeads, keys, headDim]}
 * @param v of that shape
 * @param hide hides the scores of what queries may not see
 * @param cap 0 for none
 * @param keep draws dropout's mask, the same whenever it is asked; null without dropout
 */
record MaskedAttention(
        Tensor q,
        Tensor k,
        Tensor v,
        Consumer<Tensor> hide,
        double cap,
        @Nullable Supplier<Tensor> keep) implements CausalPass {
    @Override
    public Kept forward(Tensor result, boolean keeps, Tape tape) {
        var weights = weights();
        result.copy_(weights.of(v).view(result.shape()));
        if (keeps) {
            weights.save(tape);
            return part -> weights;
        }
        return part -> weights();
    }

    private AttentionWeights weights() {
        return AttentionWeights.of(
                q, k.contiguous().transpose(1, 2), cap, hide, keep == null ? null : keep.get(), new Softmax());
    }

    @Override
    public Slopes backward(Tensor dResult, Kept kept) {
        var weights = kept.of(0);
        var dOut = dResult.reshape(q.shape());
        var dProducts = weights.productsGradient(dOut, v.transpose(1, 2));
        return new Slopes(
                torch.bmm(dProducts, k), torch.bmm(dProducts.transpose(1, 2), q), weights.valuesGradient(dOut));
    }
}
