package dev.espalier.adapter;

import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A low-rank delta with a factor for each rank, and optionally one for each output:
 * {@code y += s b ⊙ (B (d ⊙ A x))}. AdaLoRA trains {@code A}, {@code d} and {@code B}; VeRA trains {@code d} and
 * {@code b} on frozen projections. Products run in the input's dtype.
 */
final class ScaledRanksDelta implements LinearDelta, Mergeable {
    private final String name;
    private final RankTriplets ranks;
    private final Parameter a;
    private final Parameter d;
    private final Parameter b;
    private final @Nullable Parameter rows;
    private final double scaling;
    private final double dropout;

    /**
     * @param name of dropout's draws
     * @param ranks {@code A}, {@code d} and {@code B}
     * @param rows {@code b}, {@code [out]}; null for none
     * @param scaling {@code s}
     * @param dropout on the input in training
     */
    ScaledRanksDelta(String name, RankTriplets ranks, @Nullable Parameter rows, double scaling, double dropout) {
        this.name = name;
        this.ranks = ranks;
        a = ranks.a();
        d = ranks.d();
        b = ranks.b();
        this.rows = rows;
        this.scaling = scaling;
        this.dropout = dropout;
    }

    RankTriplets ranks() {
        return ranks;
    }

    @Override
    public boolean tokenwise() {
        return true;
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        if (d.size() == 0) {
            return null;
        }
        var tape = context.tape();
        var dtype = Engine.dtype(x.value());
        var mask = context.dropoutMask(name, dropout, linear.inFeatures(), dtype);
        var input = mask == null ? x.value() : x.value().mul(mask);
        double scale = mask == null ? scaling : scaling / (1 - dropout);
        var down = a.value().to(dtype);
        var factors = d.value().view(-1).to(dtype);
        var up = up().to(dtype);
        var projected = torch.mm(input, down.t());
        var scaled = projected.mul(factors);
        y.addmm_(scaled, up.t(), new Scalar(1), new Scalar(scale));

        boolean trains = tape.trains(a) || tape.trains(d) || tape.trains(b) || tape.trains(rows);
        if (!tape.isRecording() || !(trains || x.requiresGrad())) {
            return null;
        }
        var saved = new Saved(input, mask, down, factors, up, projected, scaled);
        saved.on(tape);
        return dY -> {
            backward(x, dY, saved, scale, tape);
            return dY;
        };
    }

    /** {@code b ⊙ B}. */
    private Tensor up() {
        return rows == null ? b.value() : b.value().mul(rows.value().unsqueeze(1));
    }

    private void backward(Variable x, Tensor dY, Saved saved, double scale, Tape tape) {
        var s = new Scalar(scale);
        if (tape.trains(b) || tape.trains(rows)) {
            var dUp = torch.mm(dY.t(), saved.scaled);
            dUp.mul_(s);
            deliverUp(dUp, tape);
        }
        var dScaled = torch.mm(dY, saved.up);
        dScaled.mul_(s);
        if (tape.trains(d)) {
            tape.deliver(d, dScaled.mul(saved.projected).sum(0).view(d.shape()));
        }
        var dProjected = dScaled.mul(saved.factors);
        if (tape.trains(a)) {
            tape.deliver(a, torch.mm(dProjected.t(), saved.input));
        }
        if (saved.mask == null) {
            x.accumulateProduct(dProjected, saved.down);
        } else if (x.requiresGrad()) {
            var dX = torch.mm(dProjected, saved.down);
            dX.mul_(saved.mask);
            x.accumulate(dX);
        }
    }

    private void deliverUp(Tensor dUp, Tape tape) {
        if (rows != null && tape.trains(rows)) {
            tape.deliver(rows, dUp.mul(b.value()).sum(1));
        }
        if (tape.trains(b)) {
            tape.deliver(b, rows == null ? dUp : dUp.mul(rows.value().unsqueeze(1)));
        }
    }

    @Override
    public Tensor merged(Tensor weight, long first) {
        var up = up().narrow(0, first, weight.size(0)).mul(d.value().view(-1));
        return torch.addmm(weight, up, a.value(), new Scalar(1), new Scalar(scaling));
    }

    @Override
    public Optional<WeightDelta.LowRank> factors() {
        return Optional.of(new WeightDelta.LowRank(up().mul(d.value().view(-1)), a.value(), scaling));
    }

    /** What backward needs of forward. */
    private record Saved(
            Tensor input,
            @Nullable Tensor mask,
            Tensor down,
            Tensor factors,
            Tensor up,
            Tensor projected,
            Tensor scaled) {
        void on(Tape tape) {
            for (var tensor : new Tensor[] {input, down, factors, up, projected, scaled}) {
                tape.save(tensor);
            }
            if (mask != null) {
                tape.save(mask);
            }
        }
    }
}
