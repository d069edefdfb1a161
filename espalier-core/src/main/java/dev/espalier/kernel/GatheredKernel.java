package dev.espalier.kernel;

import dev.espalier.kernel.Choices.Part;
import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.util.Objects;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Every expert with the tokens that it takes: they are gathered, multiplied and added back. Computes nothing for the
 * experts that a token did not choose, but copies a token once for each that it did. Needs gates that say who goes where.
 */
final class GatheredKernel implements ExpertKernel {
    @Override
    public Pass forward(Experts experts, ExpertInput input, Tensor y) {
        var dtype = Engine.dtype(y);
        var down = experts.a().value().to(dtype);
        var up = experts.b().value().to(dtype);
        var gate = Objects.requireNonNull(input.gate(), "gate");
        var choices = Choices.of(Objects.requireNonNull(gate.tokens(), "tokens").get());
        var weights = gate.weights().reshape(-1).index_select(0, choices.gates());
        var scaled = scaled(weights, input);
        var linearly = linearly(experts, input, down, choices);
        var projected = experts.bottleneck() ? torch.silu(linearly) : linearly;
        var gated = projected.mul(scaled);
        for (var part : choices.parts()) {
            try (var scope = Scope.open()) {
                var out =
                        torch.mm(part.of(gated), ofExpert(experts, up, 1, part).t());
                y.index_add_(0, part.of(choices.tokens()), out);
            }
        }
        if (!input.rootGradient()) {
            return new GatheredPass(experts, input, choices, gate, down, up, scaled, linearly, projected, gated);
        }
        var back = scaled(input.backwardWeights(weights), input);
        var passed = projected.mul(back);
        return new GatheredPass(experts, input, choices, gate, down, up, back, linearly, projected, passed);
    }

    private static Tensor scaled(Tensor weights, ExpertInput input) {
        return weights.mul(new Scalar(input.scale())).unsqueeze(1);
    }

    /** {@code A x} of all pairs, {@code [pairs, rank]}. */
    private static Tensor linearly(Experts experts, ExpertInput input, Tensor down, Choices choices) {
        if (experts.sharedA()) {
            return torch.mm(input.value(), down.t()).index_select(0, choices.tokens());
        }
        var all = torch.empty(new long[] {choices.size(), experts.rank()}, down.options(), null);
        for (var part : choices.parts()) {
            try (var scope = Scope.open()) {
                var x = input.value().index_select(0, part.of(choices.tokens()));
                torch.mm_out(part.of(all), x, ofExpert(experts, down, 0, part).t());
            }
        }
        return all;
    }

    /** The expert's part of stacked weights, a view. */
    private static Tensor ofExpert(Experts experts, Tensor weights, int dimension, Part part) {
        return weights.narrow(dimension, (long) part.expert() * experts.rank(), experts.rank());
    }

    /**
     * @param scaled what gradients are weighed by: the pairs' gate weights times the scale, {@code [pairs, 1]}
     * @param linearly {@code A x}, {@code [pairs, rank]}
     * @param projected what was gated
     * @param gated by {@code scaled}
     */
    private record GatheredPass(
            Experts experts,
            ExpertInput input,
            Choices choices,
            Router.Gate gate,
            Tensor down,
            Tensor up,
            Tensor scaled,
            Tensor linearly,
            Tensor projected,
            Tensor gated)
            implements Pass {
        @Override
        public void save() {
            input.save();
            choices.save(input.tape());
            for (var tensor : new Tensor[] {down, up, scaled, linearly, projected, gated}) {
                input.tape().save(tensor);
            }
        }

        @Override
        public void backward(Tensor dY) {
            var dGated = upBackward(dY);
            if (gate.backward() != null) {
                var dPairs = dGated.mul(projected).sum(1);
                dPairs.mul_(new Scalar(input.scale()));
                var dWeights = torch.zeros_like(gate.weights());
                dWeights.view(-1).index_copy_(0, choices.gates(), dPairs);
                gate.backward().run(dWeights);
            }
            dGated.mul_(scaled);
            var dLinearly = experts.bottleneck() ? torch.silu_backward(dGated, linearly) : dGated;
            if (experts.sharedA()) {
                sharedDownBackward(dLinearly);
            } else {
                downBackward(dLinearly);
            }
        }

        /** Delivers {@code B}'s gradient; gives the one with respect to what was gated and scaled. */
        private Tensor upBackward(Tensor dY) {
            var tape = input.tape();
            boolean trains = tape.trains(experts.b());
            var dGated = torch.empty_like(gated);
            var dB = torch.zeros_like(up);
            for (var part : choices.parts()) {
                try (var scope = Scope.open()) {
                    var mine = dY.index_select(0, part.of(choices.tokens()));
                    torch.mm_out(part.of(dGated), mine, ofExpert(experts, up, 1, part));
                    if (trains) {
                        torch.mm_out(ofExpert(experts, dB, 1, part), mine.t(), part.of(gated));
                    }
                }
            }
            if (trains) {
                tape.deliver(experts.b(), dB);
            }
            return dGated;
        }

        private void downBackward(Tensor dLinearly) {
            var tape = input.tape();
            boolean trains = tape.trains(experts.a());
            boolean onward = input.x().requiresGrad();
            var dA = torch.zeros_like(down);
            var dX = onward ? torch.zeros_like(input.value()) : dLinearly;
            for (var part : choices.parts()) {
                try (var scope = Scope.open()) {
                    var d = part.of(dLinearly);
                    var tokens = part.of(choices.tokens());
                    if (trains) {
                        var mine = input.value().index_select(0, tokens);
                        torch.mm_out(ofExpert(experts, dA, 0, part), d.t(), mine);
                    }
                    if (onward) {
                        dX.index_add_(0, tokens, torch.mm(d, ofExpert(experts, down, 0, part)));
                    }
                }
            }
            if (trains) {
                tape.deliver(experts.a(), dA);
            }
            if (onward) {
                input.accumulate(dX);
            }
        }

        private void sharedDownBackward(Tensor dLinearly) {
            var tokens = input.value().size(0);
            var dU = torch.zeros(new long[] {tokens, experts.rank()}, dLinearly.options());
            dU.index_add_(0, choices.tokens(), dLinearly);
            if (input.tape().trains(experts.a())) {
                input.tape().deliver(experts.a(), torch.mm(dU.t(), input.value()));
            }
            input.accumulateProduct(dU, down);
        }
    }
}
