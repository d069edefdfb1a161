package dev.espalier.kernel;

import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * All experts as one product for every token, masked by the gates: zeros cost as much as other numbers. Takes any gates:
 * an expert's, its ranks', the same for all tokens, or none. Where all experts share their {@code A}, {@code A x} is
 * computed once.
 */
final class DenseKernel implements ExpertKernel {
    @Override
    public Pass forward(Experts experts, ExpertInput input, Tensor y) {
        var dtype = Engine.dtype(y);
        var down = experts.a().value().to(dtype);
        var up = experts.b().value().to(dtype);
        var linearly = torch.mm(input.value(), down.t());
        var projected = experts.bottleneck() ? torch.silu(linearly) : linearly;
        var gate = input.gate();
        var ranks = gate == null ? null : ranks(experts, gate.weights());
        var weights = gate == null ? null : spread(gate.weights(), ranks);
        var gated = weights == null ? projected : gated(experts, projected, weights);
        y.addmm_(gated, up.t(), new Scalar(1), new Scalar(input.scale()));
        return new DensePass(experts, input, ranks, weights, down, up, linearly, projected, gated);
    }

    /**
     * Ones where a rank is an expert's, {@code [experts, experts * rank]}: products with it spread gates over ranks and sum over
     * them, which short loops over the ranks of every gate do more slowly. Null where every rank has a gate of its own.
     */
    private static @Nullable Tensor ranks(Experts experts, Tensor weights) {
        long count = experts.count();
        if (weights.size(1) != count || experts.rank() == 1) {
            return null;
        }
        var ones = torch.eye(count, Engine.options(Engine.dtype(weights)));
        return ones.unsqueeze(2).expand(count, count, experts.rank()).reshape(count, -1);
    }

    /** {@code [tokens, gates]}, or one row for all, to {@code [tokens, experts * rank]}. */
    private static Tensor spread(Tensor weights, @Nullable Tensor ranks) {
        return ranks == null ? weights : torch.mm(weights, ranks);
    }

    /**
     * {@code D ⊙ u}, {@code [tokens, experts * rank]}.
     *
     * @param u {@code [tokens, experts * rank]}, or {@code [tokens, rank]} where the experts share {@code A}
     * @param weights {@code [tokens, experts * rank]}, or one row for all
     */
    private static Tensor gated(Experts experts, Tensor u, Tensor weights) {
        return experts.sharedA()
                ? ofExperts(experts, u)
                        .mul(weights.view(weights.size(0), experts.count(), -1))
                        .view(u.size(0), -1)
                : u.mul(weights);
    }

    /** {@code A x} as {@code [tokens, experts, rank]}, or {@code [tokens, 1, rank]} where the experts share it. */
    private static Tensor ofExperts(Experts experts, Tensor u) {
        return u.view(u.size(0), experts.sharedA() ? 1 : experts.count(), -1);
    }

    private record DensePass(
            Experts experts,
            ExpertInput input,
            @Nullable Tensor ranks,
            @Nullable Tensor weights,
            Tensor down,
            Tensor up,
            Tensor linearly,
            Tensor projected,
            Tensor gated)
            implements Pass {
        @Override
        public void save() {
            input.save();
            for (var tensor : new Tensor[] {down, up, linearly, projected, gated}) {
                input.tape().save(tensor);
            }
            if (weights != null) {
                input.tape().save(weights);
            }
            if (ranks != null) {
                input.tape().save(ranks);
            }
        }

        @Override
        public void backward(Tensor dY) {
            var tape = input.tape();
            var s = new Scalar(input.scale());
            if (tape.trains(experts.b())) {
                var dB = torch.mm(dY.t(), passed());
                dB.mul_(s);
                tape.deliver(experts.b(), dB);
            }
            var dGated = torch.mm(dY, up);
            dGated.mul_(s);
            var gate = input.gate();
            var dProjected = gate == null || weights == null ? dGated : ungated(dGated, gate, weights);
            if (experts.bottleneck()) {
                dProjected = torch.silu_backward(dProjected, linearly);
            }
            if (tape.trains(experts.a())) {
                tape.deliver(experts.a(), torch.mm(dProjected.t(), input.value()));
            }
            input.accumulateProduct(dProjected, down);
        }

        /** What {@code B}'s gradient takes for what was gated. */
        private Tensor passed() {
            return weights == null || !input.rootGradient()
                    ? gated
                    : DenseKernel.gated(experts, projected, input.backwardWeights(weights));
        }

        /** The gradient with respect to what was gated; the gate's own backward pass is run on the way. */
        private Tensor ungated(Tensor dGated, Router.Gate gate, Tensor weights) {
            if (gate.backward() != null) {
                var perRank = experts.sharedA()
                        ? ofExperts(experts, projected)
                                .mul(dGated.view(dGated.size(0), experts.count(), -1))
                                .view(dGated.size(0), -1)
                        : dGated.mul(projected);
                gate.backward().run(ranks == null ? perRank : torch.mm(perRank, ranks.t()));
            }
            var weighted = dGated.mul(input.backwardWeights(weights));
            return experts.sharedA()
                    ? weighted.view(dGated.size(0), experts.count(), -1).sum(1)
                    : weighted;
        }
    }
}
