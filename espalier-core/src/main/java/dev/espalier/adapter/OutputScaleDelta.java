package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Trained factors on what a linear gives, bias included: {@code y = l ⊙ (W x + b)}. One half of IA3. */
final class OutputScaleDelta implements LinearDelta, Mergeable {
    private final Parameter scale;

    /** @param scale {@code l}, {@code [out, 1]} */
    OutputScaleDelta(Parameter scale) {
        this.scale = scale;
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var factors = scale.value().view(-1).to(Engine.dtype(y));
        if (!tape.isRecording()) {
            y.mul_(factors);
            return null;
        }
        var before = tape.trains(scale) ? tape.save(y.clone()) : null;
        tape.save(factors);
        y.mul_(factors);
        return dY -> {
            if (before != null) {
                tape.deliver(scale, dY.mul(before).sum(0).unsqueeze(1));
            }
            return torch.mul(dY, factors);
        };
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        return rows.mul(scale.value().narrow(0, first, rows.size(0)));
    }

    @Override
    public Tensor change(Tensor rows, long first) {
        return rows.mul(scale.value().narrow(0, first, rows.size(0)).sub(new Scalar(1.0)));
    }

    @Override
    public boolean changesBias() {
        return true;
    }

    @Override
    public Tensor mergedBias(Tensor bias) {
        return bias.mul(scale.value().view(-1));
    }
}
