package dev.espalier.adapter;

import dev.espalier.adapter.MixtureSpec.Choice;
import dev.espalier.adapter.MixtureSpec.Initialisation;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.error.InputException;
import dev.espalier.kernel.Experts;
import dev.espalier.kernel.KernelTable;
import dev.espalier.kernel.OverlapLoss;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.routing.ArrowScorer;
import dev.espalier.routing.EntropyLoss;
import dev.espalier.routing.ExpertCapacity;
import dev.espalier.routing.ExpertDropout;
import dev.espalier.routing.Gating;
import dev.espalier.routing.LearnedThreshold;
import dev.espalier.routing.LinearScorer;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.routing.LocalisedBalanceLoss;
import dev.espalier.routing.MlpScorer;
import dev.espalier.routing.PrototypeScorer;
import dev.espalier.routing.Router;
import dev.espalier.routing.RouterLoss;
import dev.espalier.routing.ScoreLoss;
import dev.espalier.routing.ScoreVarianceLoss;
import dev.espalier.routing.Scorer;
import dev.espalier.routing.Selection;
import dev.espalier.routing.StaticRouter;
import dev.espalier.routing.TaskRouter;
import dev.espalier.routing.TokenRouter;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Composes the mixture of one linear as a {@link MixtureSpec} says. */
final class MixtureParts {
    private static final double NORMAL_STD = 0.02;

    private final MixtureSpec spec;
    private final Linear linear;
    private final DeltaWeights weights;
    private final ExpertDropout gateDropout;
    private final Kind kind;
    private final int experts;
    private final int rank;

    MixtureParts(MixtureSpec spec, Linear linear, DeltaWeights weights) {
        this(
                spec,
                linear,
                weights,
                ExpertDropout.of(linear.name(), spec.routing().expertDropout()));
    }

    /** With another source of what is dropped. */
    MixtureParts(MixtureSpec spec, Linear linear, DeltaWeights weights, ExpertDropout gateDropout) {
        this.spec = spec;
        this.linear = linear;
        this.weights = weights;
        this.gateDropout = gateDropout;
        kind = spec.experts().kindAt(linear.name());
        experts = spec.experts().at(linear.name());
        rank = spec.experts().rankAt(linear.name());
    }

    LinearDelta delta() {
        if (kind == Kind.SCALE) {
            int out = linear.outFeatures();
            var scales = weights.weight(
                    "experts.scale", StoredLayout.same(experts, out), random -> Initialiser.ones(experts, out));
            return new ScaleMixtureDelta(scales, router());
        }
        if (spec.routing().scorer() == MixtureSpec.Scorer.RANDOM) {
            return soup();
        }
        if (spec.stages().any()) {
            return new StagedExperts(this, spec.stages()).delta();
        }
        return spec.experts().initialisation() == Initialisation.SVD_SEGMENTS ? segmented() : lowRank(a(), b());
    }

    /** Experts that all start as one, and of which files hold the mean as plain LoRA. */
    private LinearDelta soup() {
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var mean = ExpertSoupDelta.uniform(experts);
        var a = weights.weight(
                StructuredLoraSpec.A, StoredLayout.same((long) experts * rank, in), random -> drawn(random, rank, in)
                        .repeat(experts, 1));
        var b = weights.weight(
                StructuredLoraSpec.B,
                StoredLayout.same(out, (long) experts * rank),
                random -> Initialiser.zeros(out, (long) experts * rank));
        weights.saveAs(StructuredLoraSpec.A, all -> ExpertSoupDelta.down(all, mean));
        weights.saveAs(StructuredLoraSpec.B, all -> ExpertSoupDelta.up(all, mean));
        return new ExpertSoupDelta(
                linear.name(), a, b, experts, scaling(), spec.experts().dropout());
    }

    private RankGatedDelta lowRank(Parameter a, Parameter b) {
        return lowRank(a, b, experts, router());
    }

    RankGatedDelta lowRank(Parameter a, Parameter b, int count, @Nullable Router router) {
        return new RankGatedDelta(
                linear.name(),
                new Experts(a, b, count, kind == Kind.BOTTLENECK),
                scaling(),
                spec.experts().dropout(),
                router,
                KernelTable.RELEASED,
                new ExpertTraining(
                        spec.routing().rootGradient(),
                        new OverlapLoss(spec.losses().overlap(), weights.modules())));
    }

    /** The linear's path. */
    String name() {
        return linear.name();
    }

    /** How many experts there are. */
    int experts() {
        return experts;
    }

    /** {@code A} of an expert that is not one of those, {@code [rank, in]}. */
    Parameter universalA() {
        int in = linear.inFeatures();
        return weights.weight(
                "universal.lora_A.weight", StoredLayout.same(rank, in), random -> drawn(random, rank, in));
    }

    /** Its {@code B}, {@code [out, rank]}. */
    Parameter universalB() {
        int out = linear.outFeatures();
        return weights.weight(
                "universal.lora_B.weight", StoredLayout.same(out, rank), random -> Initialiser.zeros(out, rank));
    }

    /** {@code s}; weights that are trained themselves start at alpha, which must not count twice. */
    private double scaling() {
        return spec.routing().scorer() == MixtureSpec.Scorer.STATIC
                ? 1
                : spec.experts().alpha() / rank;
    }

    /** Experts that start from the frozen weight, and what they give at first taken off. */
    private LinearDelta segmented() {
        try (var scope = Scope.open()) {
            var first = weights.isDrawn() ? new SegmentedExperts(linear, experts, rank, scaling()) : null;
            var rows = StoredLayout.expertRows(experts, rank, linear.inFeatures());
            var columns = StoredLayout.expertColumns(experts, linear.outFeatures(), rank);
            var a = weights.weight("experts.lora_A.weight", rows, random -> Objects.requireNonNull(first)
                    .a());
            var b = weights.weight("experts.lora_B.weight", columns, random -> Objects.requireNonNull(first)
                    .b());
            var trained = lowRank(a, b);
            var a0 = weights.buffer("initial.lora_A.weight", rows, random -> a.value());
            var b0 = weights.buffer("initial.lora_B.weight", columns, random -> b.value());
            var taken = new RankGatedDelta(linear.name(), a0, b0, 1, -scaling() / experts, 0, null);
            return new SumDelta(List.of(trained, taken));
        }
    }

    Parameter b() {
        return weights.weight(
                "experts.lora_B.weight",
                StoredLayout.expertColumns(experts, linear.outFeatures(), rank),
                random -> Initialiser.zeros(linear.outFeatures(), (long) experts * rank));
    }

    Parameter a() {
        int in = linear.inFeatures();
        return kind == Kind.SHARED_A
                ? weights.weight("lora_A.weight", StoredLayout.same(rank, in), random -> drawn(random, rank, in))
                : weights.weight(
                        "experts.lora_A.weight",
                        StoredLayout.expertRows(experts, rank, in),
                        random -> drawn(random, (long) experts * rank, in));
    }

    private Tensor drawn(RandomStream random, long rows, int in) {
        return switch (spec.experts().initialisation()) {
            case DEFAULT, SVD_SEGMENTS -> Initialiser.kaimingUniform(in, random, rows, in);
            case NORMAL -> Initialiser.normal(NORMAL_STD, random, rows, in);
        };
    }

    private @Nullable Router router() {
        var routing = spec.routing();
        int layer = ModuleNames.layer(linear.name());
        return switch (routing.scorer()) {
            case STATIC -> new StaticRouter(linear.name(), staticWeights(), routing.expertDropout());
            case TASK -> new TaskRouter(linear.name(), experts, routing.expertDropout());
            case TOKEN, SEQUENCE -> experts == 1 && !routing.soleRouter() ? null : tokenRouter(experts);
            case LAYER -> {
                requireLayer(layer);
                var shared = weights.shared().router(layer, () -> tokenRouter(experts));
                int gates = shared.gates() / (routing.perRank() ? rank : 1);
                if (gates != experts) {
                    throw new InputException("The modules of a layer share their router, but " + linear.name() + " has "
                            + experts + " experts and the first of layer " + layer + " has " + gates
                            + "; give them equal numbers, or set scorer to token.");
                }
                yield shared;
            }
            case RANDOM -> throw new IllegalStateException("chance needs no router");
            case MODULES -> {
                requireLayer(layer);
                var modules = weights.shared().ofLayer(layer);
                yield weights.shared()
                        .router(layer, () -> tokenRouter(modules.size()))
                        .column(modules.indexOf(linear.name()));
            }
        };
    }

    private void requireLayer(int layer) {
        if (layer < 0) {
            throw new InputException(
                    linear.name() + " lies in no layer, so it can't share a layer's router; exclude it,"
                            + " or set scorer to token.");
        }
    }

    private Parameter staticWeights() {
        return weights.weight(
                "router.weight",
                StoredLayout.same(experts),
                random -> Initialiser.constant(spec.experts().alpha(), experts));
    }

    Router tokenRouter(int gates) {
        var routing = spec.routing();
        int perToken = routing.perRank() ? rank : 1;
        var scorer = scorer((long) perToken * gates);
        var parts = new TokenRouter.Parts(
                threshold(),
                selectionBias(),
                routing.biasStep(),
                perToken,
                routing.scorer() == MixtureSpec.Scorer.SEQUENCE,
                routing.noise());
        var gating = new Gating(
                routing.activation(),
                gateDropout,
                selection(gates),
                routing.renormalise(),
                new ExpertCapacity(routing.capacityFactor(), routing.capacityInEvaluation()),
                losses());
        return new TokenRouter(linear.name(), scorer, parts, weights.modules(), gating);
    }

    private Scorer scorer(long width) {
        var form = spec.routing().form();
        int in = linear.inFeatures();
        return switch (form.kind()) {
            case LINEAR -> new LinearScorer(routerWeight("router.weight", width, in));
            case MLP ->
                new MlpScorer(
                        routerWeight("router.hidden.weight", form.hidden(), in),
                        routerWeight("router.weight", width, form.hidden()));
            case PROTOTYPE -> new PrototypeScorer(routerWeight("router.weight", width, in), form.temperature());
            case ARROW -> new ArrowScorer(routerWeight("router.weight", width, in));
        };
    }

    private Parameter routerWeight(String key, long out, int in) {
        return weights.weight(key, StoredLayout.same(out, in), random -> drawn(random, out, in));
    }

    private Optional<LearnedThreshold> threshold() {
        if (spec.routing().choice() != Choice.LEARNED_THRESHOLD) {
            return Optional.empty();
        }
        int in = linear.inFeatures();
        var weight = weights.weight(
                "threshold.weight", StoredLayout.same(1, in), random -> Initialiser.kaimingUniform(in, random, 1, in));
        var bias = weights.weight(
                "threshold.bias", StoredLayout.same(1), random -> Initialiser.kaimingUniform(in, random, 1));
        return Optional.of(
                new LearnedThreshold(weight, bias, spec.routing().threshold().orElse(1.0 / experts)));
    }

    private Optional<Parameter> selectionBias() {
        return spec.routing().biasStep() > 0
                ? Optional.of(weights.buffer(
                        "router.selection_bias", StoredLayout.same(experts), random -> Initialiser.zeros(experts)))
                : Optional.empty();
    }

    private Selection selection(int gates) {
        return switch (spec.routing().choice()) {
            case ALL -> new Selection.All();
            case TOP_K -> new Selection.TopK(Math.min(spec.routing().topK(), gates));
            case LEARNED_THRESHOLD -> new Selection.AtLeast(0);
            case THRESHOLD -> new Selection.AtLeast(spec.routing().threshold().orElse(0.0));
        };
    }

    private List<RouterLoss> losses() {
        var losses = spec.losses();
        var chosen = new ArrayList<RouterLoss>();
        if (losses.coefficient() > 0) {
            chosen.add(
                    switch (losses.balance()) {
                        case LOAD -> new LoadBalanceLoss(losses.coefficient(), losses.scale(), losses.scope());
                        case LOCALISED ->
                            new LocalisedBalanceLoss(
                                    losses.coefficient(), losses.localisation(), losses.biasedVariance());
                    });
        }
        if (losses.scores() > 0) {
            chosen.add(new ScoreLoss(losses.scores()));
        }
        if (losses.variance() > 0) {
            chosen.add(new ScoreVarianceLoss(losses.variance()));
        }
        if (losses.entropy() != 0) {
            chosen.add(new EntropyLoss(losses.entropy()));
        }
        return chosen;
    }
}
