package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gemm;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * DoRA, weight-decomposed low-rank adaptation (Liu et al.,
 * <a href="https://arxiv.org/abs/2402.09353">arXiv 2402.09353</a>): the rows of {@code W + s B A} give directions only,
 * their lengths are trained apart: {@code y = m / ‖W + s B A‖ ⊙ (W + s B A) x + b}. The norm counts as a constant in
 * backward, as the paper's section 4.3 and PEFT have it. It is computed in fp32, once a pass.
 *
 * <p>With dropout on the low-rank part's input, what is scaled is {@code W} times the dropped input too, as in PEFT:
 * {@code y = W x + b + (g - 1) ⊙ W x' + g ⊙ s B A x'} with {@code g = m / ‖W + s B A‖}.
 */
public final class MagnitudeDelta implements LinearDelta, Mergeable {
    private final Parameter magnitude;
    private final RankGatedDelta direction;

    /**
     * @param magnitude {@code m}, {@code [out]}
     * @param direction the low-rank part, without a router
     */
    public MagnitudeDelta(Parameter magnitude, RankGatedDelta direction) {
        this.magnitude = magnitude;
        this.direction = direction;
    }

    /** {@code m}, {@code [out]}. */
    public Parameter magnitude() {
        return magnitude;
    }

    /** The low-rank part. */
    public RankGatedDelta direction() {
        return direction;
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var norms = context.shared(List.of("row norms", direction), () -> RowNorms.of(linear.matrix(), direction));
        var gain = magnitude.value().div(norms).to(Engine.dtype(y));
        var mask = direction.dropoutMask(x, context);
        var scaled = mask == null ? withoutBias(y, linear) : dropped(x, mask, linear);
        if (mask != null) {
            y.sub_(scaled);
        }
        var inner = direction.forward(linear, x, scaled, context);
        if (mask != null) {
            y.addcmul_(scaled, gain);
        } else {
            torch.mul_out(y, scaled, gain);
            if (linear.bias() != null) {
                y.add_(linear.bias().value());
            }
        }
        boolean trains = tape.trains(magnitude) || tape.trains(linear.weight());
        if (!tape.isRecording() || !(trains || inner != null)) {
            return null;
        }
        tape.save(gain);
        if (tape.trains(magnitude)) {
            tape.save(scaled);
        }
        if (mask != null) {
            tape.save(mask);
        }
        return dY -> {
            deliverMagnitude(dY, scaled, norms, tape);
            var dScaled = dY.mul(gain);
            if (inner != null) {
                inner.run(dScaled);
            }
            if (mask == null) {
                return dScaled;
            }
            if (x.requiresGrad()) {
                var dX = Gemm.product(dScaled.sub(dY), linear.matrix());
                dX.mul_(mask).mul_(new Scalar(1 / (1 - direction.dropout())));
                x.accumulate(dX);
            }
            return dY;
        };
    }

    private static Tensor withoutBias(Tensor y, Linear linear) {
        return linear.bias() == null ? y.clone() : y.sub(linear.bias().value());
    }

    /** {@code W x'}. */
    private Tensor dropped(Variable x, Tensor mask, Linear linear) {
        var input = x.value().mul(mask);
        input.mul_(new Scalar(1 / (1 - direction.dropout())));
        return Gemm.linear(input, linear.matrix(), null);
    }

    private void deliverMagnitude(Tensor dY, Tensor scaled, Tensor norms, Tape tape) {
        if (tape.trains(magnitude)) {
            var perRow = dY.mul(scaled).to(ScalarType.Float).sum(0);
            tape.deliver(magnitude, perRow.div(norms));
        }
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        var sum = direction.merged(rows, first);
        return sum.mul(gain(sum, first));
    }

    @Override
    public Tensor change(Tensor rows, long first) {
        var sum = direction.merged(rows, first);
        var gain = gain(sum, first);
        return rows.mul(gain.sub(new Scalar(1.0)))
                .add(direction.change(rows, first).mul(gain));
    }

    /** {@code m / ‖W + s B A‖} of the rows from {@code first} on, {@code [n, 1]}. */
    private Tensor gain(Tensor sum, long first) {
        return magnitude
                .value()
                .narrow(0, first, sum.size(0))
                .div(RowNorms.ofRows(sum))
                .unsqueeze(1);
    }
}
