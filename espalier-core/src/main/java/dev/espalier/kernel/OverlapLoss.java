package dev.espalier.kernel;

import dev.espalier.model.ForwardContext;
import dev.espalier.routing.Router;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How alike the outputs of a token's experts are, so that they learn different things (Guo et al., "Advancing expert
 * specialization", <a href="https://arxiv.org/abs/2505.22323">arXiv 2505.22323</a>, of which a summary was read: the
 * formula is ours). With {@code y_e = B_e A_e x}, the output of expert {@code e} before it is weighed, and the set
 * {@code C_t} of the {@code k} experts that token {@code t} is given,
 *
 * <pre>
 * L_t = 1 / (k (k − 1)) Σ_{e ≠ f ∈ C_t} ⟨y_e, y_f⟩² / ((‖y_e‖² + ε) (‖y_f‖² + ε))      ε = {@value #EPSILON}
 * </pre>
 *
 * <p>the mean squared cosine of two of its experts, between 0 and 1 and the same at any scale; experts that give nothing
 * yet do not overlap, nor does a token with one expert. The loss is the mean over a sequence's tokens, then over sequences
 * and modules. Gates get no gradient of it, experts and their input do.
 *
 * <p>Outputs are never made: {@code ⟨y_e, y_f⟩ = (A_e x)ᵀ (B_eᵀ B_f) (A_f x)}, in {@code E² r²} products a token, whatever
 * the width of the output. Sums are fp32.
 *
 * @param coefficient the loss's weight
 * @param modules of the adapter that share the loss
 */
public record OverlapLoss(double coefficient, int modules) {
    private static final double EPSILON = 1e-6;

    /** No loss. */
    public static final OverlapLoss NONE = new OverlapLoss(0, 1);

    /**
     * Adds the loss to the pass.
     *
     * @return what its backward pass needs; empty where there is no loss: outside training, and without a choice
     */
    public Optional<Pass> forward(Experts experts, ExpertInput input, ForwardContext context) {
        var gate = input.gate();
        if (!(coefficient > 0) || !context.isTraining() || gate == null || experts.count() < 2) {
            return Optional.empty();
        }
        var dtype = Engine.dtype(input.value());
        var down = experts.a().value().to(dtype);
        var linearly = torch.mm(input.value(), down.t()).to(ScalarType.Float);
        var projected = experts.bottleneck() ? torch.silu(linearly) : linearly;
        var u = experts.sharedA() ? projected.repeat(1, experts.count()) : projected;
        var pass = new Pass(experts, input, down, linearly, u, shares(experts, gate, context));
        context.addAuxiliaryLoss(pass.value());
        return Optional.of(pass);
    }

    /** What each ordered pair of a token's experts counts, {@code [tokens, experts, experts]}; 0 for an expert itself. */
    private Tensor shares(Experts experts, Router.Gate gate, ForwardContext context) {
        var ofTokens = FloatArrays.tensor(ofTokens(context), context.rows() * (long) context.tokens(), 1);
        int count = experts.count();
        var given = gate.weights().view(gate.weights().size(0), count, -1).ne(new Scalar(0));
        var chosen = given.any(2).to(ScalarType.Float).expand(ofTokens.size(0), count);
        var number = chosen.sum(new long[] {1}, true, null);
        var each = ofTokens.div(number.mul(number.sub(new Scalar(1))).clamp_min(new Scalar(1)));
        var pairs = torch.mul(chosen.unsqueeze(2), chosen.unsqueeze(1)).mul(each.unsqueeze(2));
        var others = torch.ones(new long[] {count, count}, pairs.options()).sub(torch.eye(count, pairs.options()));
        return pairs.mul(others);
    }

    /** What each token counts; nothing for padding. */
    private float[] ofTokens(ForwardContext context) {
        var training = context.training();
        double each = coefficient / modules / (training == null ? 1 : training.sequencesInStep());
        var segmentOf = context.layout().segmentOfToken();
        var lengths = context.layout().lengths();
        var shares = new float[segmentOf.length];
        for (int token = 0; token < shares.length; token++) {
            shares[token] = segmentOf[token] < 0 ? 0 : (float) (each / lengths[segmentOf[token]]);
        }
        return shares;
    }

    /** The loss of one pass. */
    public static final class Pass {
        private final Experts experts;
        private final ExpertInput input;
        private final Tensor down;
        private final Tensor linearly;
        private final Tensor u;
        private final Tensor slopes;
        private final double value;

        /**
         * @param linearly {@code A x}
         * @param u what experts multiply with {@code B}, {@code [tokens, experts * rank]}
         */
        private Pass(Experts experts, ExpertInput input, Tensor down, Tensor linearly, Tensor u, Tensor shares) {
            this.experts = experts;
            this.input = input;
            this.down = down;
            this.linearly = linearly;
            this.u = u;
            var inner = inner(products());
            var squares = torch.diagonal(inner, 0, 1, 2).add(new Scalar(EPSILON));
            var below = squares.unsqueeze(2).mul(squares.unsqueeze(1));
            var perPair = inner.mul(shares).div(below);
            var losses = perPair.mul(inner);
            value = losses.sum().item_double();
            slopes = perPair.mul(new Scalar(2));
            torch.diagonal(slopes, 0, 1, 2).copy_(losses.sum(2).div(squares).mul(new Scalar(-2)));
        }

        /** {@code BᵀB}: of all experts' columns with each other, {@code [experts * rank, experts * rank]}. */
        private Tensor products() {
            var b = experts.b().value();
            return torch.mm(b.t(), b);
        }

        /** The inner products of the experts' outputs, {@code [tokens, experts, experts]}. */
        private Tensor inner(Tensor products) {
            long tokens = u.size(0);
            int count = experts.count();
            var inner = torch.empty(new long[] {tokens, count, count}, u.options(), null);
            for (int e = 0; e < count; e++) {
                var with = torch.mm(of(u, 1, e), of(products, 0, e)).mul(u).view(tokens, count, -1);
                inner.select(1, e).copy_(with.sum(2));
            }
            return inner;
        }

        /** An expert's part of something stacked, a view. */
        private Tensor of(Tensor stacked, int dimension, int expert) {
            return stacked.narrow(dimension, (long) expert * experts.rank(), experts.rank());
        }

        /** This pass's share of the step's loss, weighted. */
        double value() {
            return value;
        }

        /** Keeps what backward needs on the tape. */
        public void save() {
            input.save();
            for (var tensor : new Tensor[] {down, linearly, u, slopes}) {
                input.tape().save(tensor);
            }
        }

        /** Delivers the gradients of the experts' weights and adds to the input's. */
        public void backward() {
            var tape = input.tape();
            int count = experts.count();
            var products = products();
            var dProducts = torch.empty_like(products);
            var dU = torch.empty_like(u);
            for (int e = 0; e < count; e++) {
                var weighted = u.view(u.size(0), count, -1)
                        .mul(slopes.select(1, e).unsqueeze(2))
                        .view(u.size(0), -1);
                // Each pair stands in both orders.
                of(dU, 1, e).copy_(torch.mm(weighted, of(products, 0, e).t()).mul(new Scalar(2)));
                of(dProducts, 0, e).copy_(torch.mm(of(u, 1, e).t(), weighted));
            }
            if (tape.trains(experts.b())) {
                tape.deliver(
                        experts.b(), torch.mm(experts.b().value(), dProducts).mul(new Scalar(2)));
            }
            var dProjected = experts.sharedA() ? dU.view(u.size(0), count, -1).sum(1) : dU;
            var dLinearly = experts.bottleneck() ? torch.silu_backward(dProjected, linearly) : dProjected;
            var typed = dLinearly.to(Engine.dtype(down));
            if (tape.trains(experts.a())) {
                tape.deliver(experts.a(), torch.mm(typed.t(), input.value()));
            }
            input.accumulateProduct(typed, down);
        }
    }
}
