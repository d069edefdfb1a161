package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The kernel of every low-rank expert: {@code y += s B (D(x) ⊙ A x)} with all experts stacked, {@code A} of
 * {@code [experts * rank, in]} and {@code B} of {@code [out, experts * rank]}. {@code D} repeats an expert's gate weight
 * {@code rank} times; without a router it is 1, which is LoRA (Hu et al., arXiv 2106.09685). Dense mixtures, top-k,
 * thresholds and capacity limits only differ in {@code D}.
 *
 * <p>Weights are fp32; products run in the input's dtype.
 */
public final class RankGatedDelta implements LinearDelta, Mergeable {
    private final String name;
    private final Parameter a;
    private final Parameter b;
    private final int experts;
    private final double scaling;
    private final double dropout;
    private final @Nullable Router router;

    /**
     * @param name the module's path, which dropout draws depend on
     * @param a {@code [experts * rank, in]}
     * @param b {@code [out, experts * rank]}
     * @param scaling {@code s}
     * @param dropout on the experts' input in training; the router sees its input without
     * @param router null for one expert that is always on
     */
    public RankGatedDelta(
            String name,
            Parameter a,
            Parameter b,
            int experts,
            double scaling,
            double dropout,
            @Nullable Router router) {
        this.name = name;
        this.a = a;
        this.b = b;
        this.experts = experts;
        this.scaling = scaling;
        this.dropout = dropout;
        this.router = router;
    }

    /** {@code A}, {@code B}, and the router's weights. */
    public List<Parameter> parameters() {
        var parameters = new ArrayList<>(List.of(a, b));
        if (router != null) {
            parameters.addAll(router.parameters());
        }
        return parameters;
    }

    public Parameter a() {
        return a;
    }

    public Parameter b() {
        return b;
    }

    public int experts() {
        return experts;
    }

    /** {@code s}. */
    public double scaling() {
        return scaling;
    }

    /** On the experts' input in training. */
    double dropout() {
        return dropout;
    }

    /** Whether every token gets the same, so that the delta can be merged. */
    boolean isStatic() {
        return router == null;
    }

    @Override
    public boolean tokenwise() {
        return router == null;
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var dtype = Engine.dtype(x.value());
        var gate = router == null ? null : router.route(x, context);
        var mask = dropoutMask(x, context);
        var input = mask == null ? x.value() : x.value().mul(mask);
        double scale = mask == null ? scaling : scaling / (1 - dropout);
        var down = a.value().to(dtype);
        var up = b.value().to(dtype);
        var projected = torch.mm(input, down.t());
        var gated = gate == null ? projected : gated(projected, gate.weights());
        y.addmm_(gated, up.t(), new Scalar(1), new Scalar(scale));

        boolean trains = tape.trains(a) || tape.trains(b) || (gate != null && gate.backward() != null);
        if (!tape.isRecording() || !(trains || x.requiresGrad())) {
            return null;
        }
        var saved = new Saved(input, mask, down, up, projected, gated, gate);
        saved.on(tape);
        return dY -> {
            backward(x, dY, saved, scale, tape);
            return dY;
        };
    }

    /** What of {@code x} the experts see, 0 or 1; null for all. The same whenever it is asked for in a pass. */
    @Nullable Tensor dropoutMask(Variable x, ForwardContext context) {
        var value = x.value();
        return context.dropoutMask(name + ".lora_dropout", dropout, (int) value.size(1), Engine.dtype(value));
    }

    @Override
    public Tensor merged(Tensor rows, long first) {
        if (!isStatic()) {
            throw new InputException("The experts of " + name + " act on every token differently, so they can't be"
                    + " merged into its weight; keep the adapter beside the base model.");
        }
        var up = b.value().narrow(0, first, rows.size(0));
        return torch.addmm(rows, up, a.value(), new Scalar(1), new Scalar(scaling));
    }

    /** {@code D ⊙ u}, {@code [tokens, experts * rank]}. */
    private Tensor gated(Tensor u, Tensor weights) {
        return u.view(u.size(0), experts, -1).mul(weights.unsqueeze(2)).view(u.size(0), -1);
    }

    private void backward(Variable x, Tensor dY, Saved saved, double scale, Tape tape) {
        var s = new Scalar(scale);
        if (tape.trains(b)) {
            var dB = torch.mm(dY.t(), saved.gated);
            dB.mul_(s);
            tape.deliver(b, dB);
        }
        var dGated = torch.mm(dY, saved.up);
        dGated.mul_(s);
        var dProjected = dGated;
        if (saved.gate != null) {
            if (saved.gate.backward() != null) {
                var perRank = dGated.mul(saved.projected);
                saved.gate
                        .backward()
                        .run(perRank.view(perRank.size(0), experts, -1).sum(2));
            }
            dProjected = gated(dGated, saved.gate.weights());
        }
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

    /** What backward needs of forward. */
    private record Saved(
            Tensor input,
            @Nullable Tensor mask,
            Tensor down,
            Tensor up,
            Tensor projected,
            Tensor gated,
            Router.@Nullable Gate gate) {
        void on(Tape tape) {
            for (var tensor : new Tensor[] {input, down, up, projected, gated}) {
                tape.save(tensor);
            }
            if (mask != null) {
                tape.save(mask);
            }
            if (gate != null) {
                tape.save(gate.weights());
            }
        }
    }
}
