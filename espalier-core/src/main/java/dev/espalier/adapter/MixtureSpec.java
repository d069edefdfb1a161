package dev.espalier.adapter;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Cost;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.routing.Activation;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.routing.RouterNoise;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A mixture of small experts at every adapted linear: {@code y += Σ_e w_e(x) E_e(x)}. A method is a choice on each axis
 * (experts, routing, auxiliary losses, stages); {@link Mixtures} has those of the literature by name, {@link #with} changes one.
 *
 * @param method the name of the {@link Mixtures method} that it started from
 */
public record MixtureSpec(
        String method, TargetModules targets, Experts experts, Routing routing, Losses losses, MixtureStages stages)
        implements AdapterSpec {
    /** What an expert is. */
    public enum Kind {
        /** {@code s B_e A_e x}. */
        @JsonProperty("lora")
        LORA,

        /** {@code s B_e A x}: one {@code A} for all experts of a module. */
        @JsonProperty("shared-a")
        SHARED_A,

        /** {@code (l_e - 1) ⊙ (W x + b)} with a vector {@code l_e} that starts at 1; weights of experts sum to 1. */
        @JsonProperty("scale")
        SCALE,

        /** {@code s B_e silu(A_e x)}. */
        @JsonProperty("bottleneck")
        BOTTLENECK
    }

    /** How {@code A} and the router start; {@code B} starts at zero. */
    public enum Initialisation {
        /** Kaiming-uniform with {@code a = √5}. */
        @JsonProperty("default")
        DEFAULT,

        /** Normal with standard deviation 0.02. */
        @JsonProperty("normal")
        NORMAL,

        /** Each expert from a segment of the frozen weight's singular values, see {@link SegmentedExperts}. */
        @JsonProperty("svd-segments")
        SVD_SEGMENTS
    }

    /** What decides on the experts. */
    public enum Scorer {
        /** A linear map of each token. */
        @JsonProperty("token")
        TOKEN,

        /** A linear map of the mean of a sequence's tokens, for all of them. It sees the whole sequence. */
        @JsonProperty("sequence")
        SEQUENCE,

        /** As {@link #TOKEN}, but once for all modules of a layer, by the input of the first of them. */
        @JsonProperty("layer")
        LAYER,

        /** Once for a layer, whose experts are its modules: each has one expert and a gate of its own. */
        @JsonProperty("modules")
        MODULES,

        /** Nothing: every sequence has the expert of its task, or those that the pass gives it. */
        @JsonProperty("task")
        TASK,

        /** A trained weight for each expert, the same for all tokens. */
        @JsonProperty("static")
        STATIC,

        /** Chance: a training pass has one expert, other passes the mean of all; see {@link ExpertSoupDelta}. */
        @JsonProperty("random")
        RANDOM
    }

    /** Which experts a token is given. */
    public enum Choice {
        /** All of them. */
        @JsonProperty("all")
        ALL,

        /** Those with the {@code topK} largest gates. */
        @JsonProperty("top-k")
        TOP_K,

        /** Those whose gate is above a learned threshold, by what they are above it. */
        @JsonProperty("learned-threshold")
        LEARNED_THRESHOLD,

        /** Those whose gate is at least a given number. */
        @JsonProperty("threshold")
        THRESHOLD
    }

    /** Which loss keeps experts evenly used. */
    public enum Balance {
        /** {@link LoadBalanceLoss}. */
        @JsonProperty("load")
        LOAD,

        /** {@link dev.espalier.routing.LocalisedBalanceLoss}. */
        @JsonProperty("localised")
        LOCALISED
    }

    /**
     * The experts of a module.
     *
     * @param bottlenecks of the adapted modules, those whose experts are {@link Kind#BOTTLENECK} whatever {@code kind} is
     * @param count in a module that {@code pattern} does not name
     * @param pattern other counts for particular modules, 0 for none; a key {@code K} is the expression {@code (.*\.)?(K)}
     *     for a path, and the first that matches decides
     * @param allocated whether counts are to be decided by an allocation before training
     * @param byDepth counts for equal parts of the layers, from the first to the last, in place of {@code count}
     * @param rank of each expert
     * @param rankPattern other ranks for particular modules
     * @param ranksByDepth ranks for equal parts of the layers
     * @param alpha of the scaling {@code s = alpha / rank}; what the weights of {@link Scorer#STATIC} start at, whose
     *     {@code s} is 1
     * @param dropout on the experts' input in training; the router sees its input without
     * @param riemannianEpsilon of the {@link RiemannianPreconditioner} of their gradients; 0 for none
     */
    public record Experts(
            Kind kind,
            ModuleNames bottlenecks,
            int count,
            Map<String, Integer> pattern,
            boolean allocated,
            List<Integer> byDepth,
            int rank,
            Map<String, Integer> rankPattern,
            List<Integer> ranksByDepth,
            double alpha,
            double dropout,
            Initialisation initialisation,
            double riemannianEpsilon) {
        public Experts {
            Checks.positive("experts", count);
            Checks.positive("rank", rank);
            Checks.positive("alpha", alpha);
            Checks.probability("dropout", dropout);
            Checks.notNegative("riemannian-epsilon", riemannianEpsilon);
            pattern = Collections.unmodifiableMap(new LinkedHashMap<>(pattern));
            rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
            byDepth = List.copyOf(byDepth);
            ranksByDepth = List.copyOf(ranksByDepth);
            pattern.forEach((key, value) -> Checks.notNegative("experts-pattern '" + key + "'", value));
            rankPattern.forEach((key, value) -> Checks.positive("rank-pattern '" + key + "'", value));
            byDepth.forEach(value -> Checks.notNegative("experts-by-depth", value));
            ranksByDepth.forEach(value -> Checks.positive("ranks-by-depth", value));
            pattern.keySet().forEach(ModuleNames::compile);
            rankPattern.keySet().forEach(ModuleNames::compile);
        }

        /** The experts of the module at {@code path}. */
        int at(String path) {
            return ModuleNames.firstMatch(pattern, path).orElse(count);
        }

        /** What the experts of the module at {@code path} are. */
        Kind kindAt(String path) {
            return bottlenecks.matches(path) ? Kind.BOTTLENECK : kind;
        }

        /** The rank of the experts of the module at {@code path}. */
        int rankAt(String path) {
            return ModuleNames.firstMatch(rankPattern, path).orElse(rank);
        }
    }

    /**
     * Who gets which expert. A module with one expert has no router unless {@code soleRouter} says so.
     *
     * @param form of the router's scores
     * @param topK of {@link Choice#TOP_K}
     * @param threshold of {@link Choice#THRESHOLD}, or the largest one of {@link Choice#LEARNED_THRESHOLD}; empty there
     *     for one over the number of experts
     * @param perRank whether every rank of an expert has a gate of its own
     * @param renormalise whether the weights of a token's choices are scaled to sum to 1
     * @param expertDropout on gates in training
     * @param capacityFactor {@code c} in {@code ceil(c · k · S / E)} tokens an expert takes of a sequence of S; empty for
     *     no limit
     * @param capacityInEvaluation whether that limit holds outside training too
     * @param biasStep how far a bias on the choice moves towards an even load after each step; 0 for no such bias
     * @param soleRouter whether a single expert is weighed too
     * @param rootGradient whether an expert's gradient is weighed by the root of its gate; its output is by the gate itself
     */
    public record Routing(
            Scorer scorer,
            RouterForm form,
            Activation activation,
            Choice choice,
            int topK,
            Optional<Double> threshold,
            boolean perRank,
            boolean renormalise,
            double expertDropout,
            Optional<Double> capacityFactor,
            boolean capacityInEvaluation,
            double biasStep,
            boolean soleRouter,
            RouterNoise noise,
            boolean rootGradient) {
        public Routing {
            Checks.positive("top-k", topK);
            Checks.probability("expert-dropout", expertDropout);
            capacityFactor.ifPresent(factor -> Checks.positive("capacity-factor", factor));
            threshold.ifPresent(value -> Checks.notNegative("threshold", value));
            Checks.notNegative("bias-step", biasStep);
            Checks.notNegative("router-noise", noise.scores());
            Checks.probability("router-jitter", noise.jitter());
        }
    }

    /**
     * What routing adds to the task's loss.
     *
     * @param coefficient of the balance loss; 0 for none
     * @param scale how {@link Balance#LOAD} values an even load
     * @param scope what it takes for one population
     * @param localisation {@code δ} of {@link Balance#LOCALISED}
     * @param biasedVariance whether that loss takes the biased variance
     * @param scores coefficient of the z-loss on the router's scores; 0 for none
     * @param variance coefficient of minus the variance of a token's gates; 0 for none
     * @param entropy coefficient of the gates' entropy, of either sign; 0 for none
     * @param consistency coefficient of how far the answers of two passes lie apart; 0 for a single pass a step
     * @param overlap coefficient of the {@link dev.espalier.kernel.OverlapLoss} of a token's experts; 0 for none
     */
    public record Losses(
            Balance balance,
            double coefficient,
            LoadBalanceLoss.Scale scale,
            LoadBalanceLoss.Scope scope,
            double localisation,
            boolean biasedVariance,
            double scores,
            double variance,
            double entropy,
            double consistency,
            double overlap) {
        public Losses {
            Checks.notNegative("auxiliary-coefficient", coefficient);
            Checks.notNegative("z-coefficient", scores);
            Checks.notNegative("variance-coefficient", variance);
            Checks.notNegative("overlap-coefficient", overlap);
            Checks.probability("localisation", localisation);
            Checks.notNegative("consistency-coefficient", consistency);
        }
    }

    public MixtureSpec {
        MixtureChecks.require(experts, routing, losses, stages);
    }

    /** The same with some changes. */
    public MixtureSpec with(Consumer<MixtureBuilder> change) {
        var builder = new MixtureBuilder(this);
        change.accept(builder);
        return builder.build();
    }

    /** Ranks that act on a token at most: those of all experts it is given. */
    public int activeRank() {
        int chosen = routing.choice == Choice.TOP_K ? routing.topK : experts.count;
        return (routing.scorer == Scorer.RANDOM ? 1 : chosen) * experts.rank;
    }

    @Override
    public int rank() {
        return experts.rank;
    }

    @Override
    public boolean adapts(String path) {
        return experts.at(path) > 0;
    }

    @Override
    public boolean isAllocated() {
        return experts.allocated && experts.pattern.isEmpty();
    }

    /** Whether every task has an expert, so that their number is not one to choose. */
    private boolean oneForEachTask() {
        return routing.scorer == Scorer.TASK || stages.any();
    }

    @Override
    public Cost allocationCost() {
        if (oneForEachTask()) {
            throw new InputException(
                    "Method '" + method + "' has an expert for each task in every module, so there is none"
                            + " to allocate; remove the allocation.");
        }
        return new MixtureCost(this);
    }

    @Override
    public MixtureSpec allocated(Allocation allocation) {
        return with(m -> m.experts(allocation.largest())
                .expertsPattern(allocation.counts())
                .expertsByDepth(List.of())
                .allocated(false)
                .topK(Math.min(routing.topK, allocation.largest())));
    }

    /** Unless a router weighs the experts of several. */
    @Override
    public boolean modulesStandAlone() {
        return routing.scorer != Scorer.LAYER && routing.scorer != Scorer.MODULES;
    }

    /** Where every task has an expert, as many as there are tasks. */
    @Override
    public MixtureSpec forTasks(int tasks) {
        if (stages.any() && tasks == 1) {
            throw new InputException(
                    "Method '" + method + "' trains an expert for each task and a router among them, but"
                            + " there is one task; give it several, or use method 'lora'.");
        }
        return oneForEachTask() ? with(m -> m.experts(tasks)) : this;
    }

    @Override
    public List<Stage> trainingStages() {
        return stages.stages();
    }

    /** Counts and ranks that go by depth as patterns of paths. */
    @Override
    public MixtureSpec in(LanguageModel model) {
        if (experts.byDepth.isEmpty() && experts.ranksByDepth.isEmpty()) {
            return this;
        }
        var linears = model.linears().keySet();
        int layers = 1 + linears.stream().mapToInt(ModuleNames::layer).max().orElse(0);
        var counts = new LinkedHashMap<>(experts.pattern);
        var ranks = new LinkedHashMap<>(experts.rankPattern);
        for (var path : targets.find(model).keySet()) {
            int layer = ModuleNames.layer(path);
            if (layer >= 0) {
                part(experts.byDepth, layer, layers).ifPresent(count -> counts.putIfAbsent(path, count));
                part(experts.ranksByDepth, layer, layers).ifPresent(rank -> ranks.putIfAbsent(path, rank));
            }
        }
        return with(m -> m.expertsPattern(counts)
                .expertsByDepth(List.of())
                .rankPattern(ranks)
                .ranksByDepth(List.of())
                .experts(Math.max(
                        experts.count,
                        experts.byDepth.stream().mapToInt(i -> i).max().orElse(0))));
    }

    private static Optional<Integer> part(List<Integer> parts, int layer, int layers) {
        return parts.isEmpty() ? Optional.empty() : Optional.of(parts.get(layer * parts.size() / layers));
    }

    @Override
    public double consistency() {
        return losses.consistency;
    }

    /** Plain LoRA with the experts' mean where they are drawn at random: it computes the same and loads anywhere. */
    @Override
    public AdapterSpec saved(Adapter adapter) {
        return routing.scorer == Scorer.RANDOM ? ExpertSoupDelta.saved(this, adapter) : this;
    }

    @Override
    public Optional<GradientTransform> gradientTransform(Adapter adapter) {
        return experts.riemannianEpsilon > 0
                ? Optional.of(RiemannianPreconditioner.of(adapter, experts.riemannianEpsilon))
                : Optional.empty();
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        return new MixtureParts(this, linear, weights).delta();
    }
}
