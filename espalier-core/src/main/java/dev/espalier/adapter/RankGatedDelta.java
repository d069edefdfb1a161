package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The kernel of every low-rank expert: {@code y += s B (D(x) ⊙ A x)} with all experts stacked, {@code A} of
 * {@code [experts * rank, in]} and {@code B} of {@code [out, experts * rank]}. {@code D} repeats an expert's gate weight
 * {@code rank} times, or has one for every rank; without a router it is 1, which is LoRA (Hu et al., arXiv 2106.09685).
 * Dense mixtures, top-k, thresholds and capacity limits only differ in {@code D}. Where all experts share their
 * {@code A}, it has {@code [rank, in]} and {@code A x} is computed once.
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
    private final boolean bottleneck;
    private final @Nullable Router router;

    /** As the other, without a nonlinearity. */
    public RankGatedDelta(
            String name,
            Parameter a,
            Parameter b,
            int experts,
            double scaling,
            double dropout,
            @Nullable Router router) {
        this(name, a, b, experts, scaling, dropout, false, router);
    }

    /**
     * @param name the module's path, which dropout draws depend on
     * @param a {@code [experts * rank, in]}, or {@code [rank, in]} for all experts
     * @param b {@code [out, experts * rank]}
     * @param scaling {@code s}
     * @param dropout on the experts' input in training; the router sees its input without
     * @param bottleneck whether {@code silu(A x)} takes the place of {@code A x}
     * @param router null for one expert that is always on
     */
    public RankGatedDelta(
            String name,
            Parameter a,
            Parameter b,
            int experts,
            double scaling,
            double dropout,
            boolean bottleneck,
            @Nullable Router router) {
        this.name = name;
        this.a = a;
        this.b = b;
        this.experts = experts;
        this.scaling = scaling;
        this.dropout = dropout;
        this.bottleneck = bottleneck;
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
        return !bottleneck && (router == null || router.staticWeights().isPresent());
    }

    @Override
    public boolean tokenwise() {
        return router == null || router.tokenwise();
    }

    /** Who weighs the experts; empty where there is one that is always on. */
    Optional<Router> router() {
        return Optional.ofNullable(router);
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
        var linearly = torch.mm(input, down.t());
        var projected = bottleneck ? torch.silu(linearly) : linearly;
        var gated = gate == null ? projected : gated(projected, gate.weights());
        y.addmm_(gated, up.t(), new Scalar(1), new Scalar(scale));

        boolean trains = tape.trains(a) || tape.trains(b) || (gate != null && gate.backward() != null);
        if (!tape.isRecording() || !(trains || x.requiresGrad())) {
            return null;
        }
        var saved = new Saved(input, mask, down, up, linearly, projected, gated, gate);
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
        var weights = router == null ? Optional.<Tensor>empty() : router.staticWeights();
        var weighted = weights.isEmpty()
                ? up
                : up.view(up.size(0), experts, -1)
                        .mul(weights.get().view(1, experts, -1))
                        .view(up.size(0), -1);
        var down = isShared() ? a.value().repeat(experts, 1) : a.value();
        return torch.addmm(rows, weighted, down, new Scalar(1), new Scalar(scaling));
    }

    private boolean isShared() {
        return a.value().size(0) != b.value().size(1);
    }

    /**
     * {@code D ⊙ u}, {@code [tokens, experts * rank]}.
     *
     * @param u {@code [tokens, experts * rank]}, or {@code [tokens, rank]} where the experts share {@code A}
     * @param weights {@code [tokens, gates]}, or one row for all
     */
    private Tensor gated(Tensor u, Tensor weights) {
        var weighted = ofExperts(u).mul(weights.view(weights.size(0), experts, -1));
        return weighted.view(u.size(0), -1);
    }

    /** {@code A x} as {@code [tokens, experts, rank]}, or {@code [tokens, 1, rank]} where the experts share it. */
    private Tensor ofExperts(Tensor u) {
        return u.view(u.size(0), isShared() ? 1 : experts, -1);
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
        var dProjected = saved.gate == null ? dGated : ungated(dGated, saved, saved.gate);
        if (bottleneck) {
            dProjected = torch.silu_backward(dProjected, saved.linearly);
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

    /** The gradient with respect to what was gated; the gate's own backward pass is run on the way. */
    private Tensor ungated(Tensor dGated, Saved saved, Router.Gate gate) {
        var d = dGated.view(dGated.size(0), experts, -1);
        if (gate.backward() != null) {
            var perRank = d.mul(ofExperts(saved.projected));
            boolean oneEach = gate.weights().size(1) == experts;
            gate.backward().run(oneEach ? perRank.sum(2) : perRank.reshape(dGated.size(0), -1));
        }
        var weighted = d.mul(gate.weights().view(gate.weights().size(0), experts, -1));
        return isShared() ? weighted.sum(1) : weighted.view(dGated.size(0), -1);
    }

    /** What backward needs of forward. */
    private record Saved(
            Tensor input,
            @Nullable Tensor mask,
            Tensor down,
            Tensor up,
            Tensor linearly,
            Tensor projected,
            Tensor gated,
            Router.@Nullable Gate gate) {
        void on(Tape tape) {
            for (var tensor : new Tensor[] {input, down, up, linearly, projected, gated}) {
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
