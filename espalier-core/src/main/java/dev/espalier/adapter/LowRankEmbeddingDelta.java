package dev.espalier.adapter;

import dev.espalier.model.EmbeddingDelta;
import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * LoRA on an embedding, as PEFT has it: {@code y += s B a} with {@code a} the token's column of {@code A}. There is no
 * dropout.
 */
public final class LowRankEmbeddingDelta implements EmbeddingDelta, Mergeable {
    private final Parameter a;
    private final Parameter b;
    private final double scaling;

    /**
     * @param a {@code [rank, count]}
     * @param b {@code [features, rank]}
     * @param scaling {@code s}
     */
    public LowRankEmbeddingDelta(Parameter a, Parameter b, double scaling) {
        this.a = a;
        this.b = b;
        this.scaling = scaling;
    }

    Parameter a() {
        return a;
    }

    Parameter b() {
        return b;
    }

    @Override
    public @Nullable Backward forward(Tensor numbers, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(y);
        var columns = torch.index_select(a.value().t(), 0, numbers).to(dtype);
        var up = b.value().to(dtype);
        y.addmm_(columns, up.t(), new Scalar(1), new Scalar(scaling));
        if (!tape.trains(a) && !tape.trains(b)) {
            return null;
        }
        tape.save(columns);
        tape.save(up);
        return dY -> {
            backward(numbers, dY, columns, up, tape);
            return dY;
        };
    }

    private void backward(Tensor numbers, Tensor dY, Tensor columns, Tensor up, Tape tape) {
        var s = new Scalar(scaling);
        if (tape.trains(b)) {
            var dB = torch.mm(dY.t(), columns);
            dB.mul_(s);
            tape.deliver(b, dB);
        }
        if (tape.trains(a)) {
            var dColumns = torch.mm(dY, up);
            dColumns.mul_(s);
            tape.deliver(
                    a,
                    torch.embedding_dense_backward(dColumns, numbers, a.shape()[1], -1, false)
                            .t());
        }
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        var columns = a.value().narrow(1, first, rows.size(0));
        return torch.addmm(rows, columns.t(), b.value().t(), new Scalar(1), new Scalar(scaling));
    }

    /** {@code Aᵀ [count, rank]} and {@code Bᵀ [rank, features]}. */
    @Override
    public Optional<WeightDelta.LowRank> factors() {
        return Optional.of(new WeightDelta.LowRank(a.value().t(), b.value().t(), scaling));
    }
}
