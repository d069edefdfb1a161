package dev.espalier.kernel;

import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

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
        var gated = gate == null ? projected : gated(experts, projected, gate.weights());
        y.addmm_(gated, up.t(), new Scalar(1), new Scalar(input.scale()));
        return new DensePass(experts, input, down, up, linearly, projected, gated);
    }

    /**
     * {@code D ⊙ u}, {@code [tokens, experts * rank]}.
     *
     * @param u {@code [tokens, experts * rank]}, or {@code [tokens, rank]} where the experts share {@code A}
     * @param weights {@code [tokens, gates]}, or one row for all
     */
    private static Tensor gated(Experts experts, Tensor u, Tensor weights) {
        var weighted = ofExperts(experts, u).mul(weights.view(weights.size(0), experts.count(), -1));
        return weighted.view(u.size(0), -1);
    }

    /** {@code A x} as {@code [tokens, experts, rank]}, or {@code [tokens, 1, rank]} where the experts share it. */
    private static Tensor ofExperts(Experts experts, Tensor u) {
        return u.view(u.size(0), experts.sharedA() ? 1 : experts.count(), -1);
    }

    private record DensePass(
            Experts experts, ExpertInput input, Tensor down, Tensor up, Tensor linearly, Tensor projected, Tensor gated)
            implements Pass {
        @Override
        public void save() {
            input.save();
            for (var tensor : new Tensor[] {down, up, linearly, projected, gated}) {
                input.tape().save(tensor);
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
            var dProjected = gate == null ? dGated : ungated(dGated, gate);
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
            var gate = input.gate();
            return gate == null || !input.rootGradient()
                    ? gated
                    : DenseKernel.gated(experts, projected, input.backwardWeights(gate.weights()));
        }

        /** The gradient with respect to what was gated; the gate's own backward pass is run on the way. */
        private Tensor ungated(Tensor dGated, Router.Gate gate) {
            int count = experts.count();
            var d = dGated.view(dGated.size(0), count, -1);
            if (gate.backward() != null) {
                var perRank = d.mul(ofExperts(experts, projected));
                boolean oneEach = gate.weights().size(1) == count;
                gate.backward().run(oneEach ? perRank.sum(2) : perRank.reshape(dGated.size(0), -1));
            }
            var weights = input.backwardWeights(gate.weights());
            var weighted = d.mul(weights.view(weights.size(0), count, -1));
            return experts.sharedA() ? weighted.sum(1) : weighted.view(dGated.size(0), -1);
        }
    }
}
