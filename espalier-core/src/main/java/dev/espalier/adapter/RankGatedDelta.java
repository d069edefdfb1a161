package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.kernel.ExpertInput;
import dev.espalier.kernel.Experts;
import dev.espalier.kernel.Kernel;
import dev.espalier.kernel.KernelChoice;
import dev.espalier.kernel.KernelShape;
import dev.espalier.kernel.KernelTable;
import dev.espalier.kernel.OverlapLoss;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.routing.Router;
import dev.espalier.routing.StaticRouter;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Low-rank experts of one linear: {@code y += s B (D(x) ⊙ A x)} with all experts stacked, {@code A} of
 * {@code [experts * rank, in]} and {@code B} of {@code [out, experts * rank]}. {@code D} repeats an expert's gate weight
 * {@code rank} times, or has one for every rank; without a router it is 1, which is LoRA (Hu et al., arXiv 2106.09685).
 * Dense mixtures, top-k, thresholds and capacity limits only differ in {@code D}. Where all experts share their
 * {@code A}, it has {@code [rank, in]}. A {@link Kernel} takes the products.
 *
 * <p>Weights are fp32; products run in the input's dtype.
 */
public final class RankGatedDelta implements LinearDelta, Mergeable, Routed {
    private final String name;
    private final Experts experts;
    private final double scaling;
    private final double dropout;
    private final @Nullable Router router;
    private final KernelChoice kernels;
    private final ExpertTraining training;

    /** As the last, without a nonlinearity. */
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

    /** As the last, with the kernels that this release's measurements choose. */
    public RankGatedDelta(
            String name,
            Parameter a,
            Parameter b,
            int experts,
            double scaling,
            double dropout,
            boolean bottleneck,
            @Nullable Router router) {
        this(name, a, b, experts, scaling, dropout, bottleneck, router, KernelTable.RELEASED);
    }

    /**
     * @param name the module's path, which dropout draws depend on
     * @param a {@code [experts * rank, in]}, or {@code [rank, in]} for all experts
     * @param b {@code [out, experts * rank]}
     * @param scaling {@code s}
     * @param dropout on the experts' input in training; the router sees its input without
     * @param bottleneck whether {@code silu(A x)} takes the place of {@code A x}
     * @param router null for one expert that is always on
     * @param kernels chooses how products are taken, where the router says which tokens each expert takes
     */
    public RankGatedDelta(
            String name,
            Parameter a,
            Parameter b,
            int experts,
            double scaling,
            double dropout,
            boolean bottleneck,
            @Nullable Router router,
            KernelChoice kernels) {
        this(name, new Experts(a, b, experts, bottleneck), scaling, dropout, router, kernels, ExpertTraining.USUAL);
    }

    /**
     * As the last.
     *
     * @param training what more there is to training
     */
    RankGatedDelta(
            String name,
            Experts experts,
            double scaling,
            double dropout,
            @Nullable Router router,
            KernelChoice kernels,
            ExpertTraining training) {
        this.name = name;
        this.experts = experts;
        this.scaling = scaling;
        this.dropout = dropout;
        this.router = router;
        this.kernels = kernels;
        this.training = training;
    }

    /** {@code A}, {@code B}, and the router's weights. */
    public List<Parameter> parameters() {
        var parameters = new ArrayList<>(List.of(a(), b()));
        if (router != null) {
            parameters.addAll(router.parameters());
        }
        return parameters;
    }

    public Parameter a() {
        return experts.a();
    }

    public Parameter b() {
        return experts.b();
    }

    @Override
    public int experts() {
        return experts.count();
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
        return !experts.bottleneck()
                && (router == null || router.staticWeights().isPresent());
    }

    @Override
    public boolean tokenwise() {
        return router == null || (router.tokenwise() && !(training.overlap().coefficient() > 0));
    }

    /** Who weighs the experts; empty where there is one that is always on. */
    Optional<Router> router() {
        return Optional.ofNullable(router);
    }

    @Override
    public @Nullable Backward forward(Linear linear, Variable x, Tensor y, ForwardContext context) {
        var tape = context.tape();
        var gate = router == null ? null : router.route(x, context);
        var mask = dropoutMask(x, context);
        double scale = mask == null ? scaling : scaling / (1 - dropout);
        var seen = mask == null ? x.value() : x.value().mul(mask);
        var input = new ExpertInput(x, seen, mask, scale, gate, training.rootGradient(), tape);
        var pass = kernel((int) x.value().size(0), Engine.dtype(x.value()), Engine.threadsHere())
                .orElse(Kernel.DENSE)
                .forward(experts, input, y);
        var overlap = training.overlap().forward(experts, input, context);
        boolean trains = tape.trains(a()) || tape.trains(b()) || (gate != null && gate.backward() != null);
        if (!tape.isRecording() || !(trains || x.requiresGrad())) {
            return null;
        }
        pass.save();
        overlap.ifPresent(OverlapLoss.Pass::save);
        return dY -> {
            pass.backward(dY);
            overlap.ifPresent(OverlapLoss.Pass::backward);
            return dY;
        };
    }

    /**
     * Which kernel is chosen for the products of a pass; empty where there is no choice, and they are dense.
     *
     * @param tokens of the pass, padding included
     * @param dtype of the linear's input
     * @param threads that libtorch uses for one operation
     */
    public Optional<Kernel> kernel(int tokens, ScalarType dtype, int threads) {
        var choices = router == null ? OptionalInt.empty() : router.choices();
        if (choices.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(kernels.of(new KernelShape(
                experts.count(),
                experts.rank(),
                choices.getAsInt(),
                experts.sharedA(),
                tokens,
                (int) a().value().size(1),
                (int) b().value().size(0),
                Engine.name(dtype),
                Engine.deviceName(),
                threads)));
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
        var up = weighted(b().value().narrow(0, first, rows.size(0)));
        return torch.addmm(rows, up, down(), new Scalar(1), new Scalar(scaling));
    }

    /** Rows of {@code B}, every expert's columns times its weight. */
    private Tensor weighted(Tensor up) {
        var weights = router == null ? Optional.<Tensor>empty() : router.staticWeights();
        return weights.isEmpty()
                ? up
                : up.reshape(up.size(0), experts(), -1)
                        .mul(weights.get().view(1, experts(), -1))
                        .view(up.size(0), -1);
    }

    /** {@code A} with rows for every expert. */
    private Tensor down() {
        return experts.sharedA() ? a().value().repeat(experts(), 1) : a().value();
    }

    @Override
    public Optional<WeightDelta.LowRank> factors() {
        return isStatic()
                ? Optional.of(new WeightDelta.LowRank(weighted(b().value()), down(), scaling))
                : Optional.empty();
    }

    /** This itself where the experts' weights are the same for every token already. */
    @Override
    public LinearDelta withGates(float[] gates) {
        if (router == null || router.staticWeights().isPresent()) {
            return this;
        }
        var fixed = new StaticRouter(name, new Parameter(name, FloatArrays.tensor(gates, gates.length), false), 0);
        return new RankGatedDelta(name, a(), b(), experts(), scaling, dropout, experts.bottleneck(), fixed, kernels);
    }
}
