package dev.espalier.adapter;

import dev.espalier.routing.Activation;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.routing.RouterNoise;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A {@link MixtureSpec} while some of its parts change; what each means is said there. */
public final class MixtureBuilder {
    private String method;
    private TargetModules targets;
    private final ExpertsCopy experts;
    private final RoutingCopy routing;
    private final LossesCopy losses;
    private MixtureStages stages;

    MixtureBuilder(MixtureSpec spec) {
        method = spec.method();
        targets = spec.targets();
        experts = new ExpertsCopy(spec.experts());
        routing = new RoutingCopy(spec.routing());
        losses = new LossesCopy(spec.losses());
        stages = spec.stages();
    }

    MixtureSpec build() {
        return new MixtureSpec(method, targets, experts.experts(), routing.routing(), losses.losses(), stages);
    }

    /** The name in recipes. */
    MixtureBuilder method(String given) {
        method = given;
        return this;
    }

    /** The modules that get experts. */
    public MixtureBuilder targets(TargetModules given) {
        targets = given;
        return this;
    }

    /** What an expert is. */
    public MixtureBuilder kind(MixtureSpec.Kind given) {
        experts.kind = given;
        return this;
    }

    /** Experts of a module. */
    public MixtureBuilder experts(int given) {
        experts.count = given;
        return this;
    }

    /** Other counts for particular modules. */
    public MixtureBuilder expertsPattern(Map<String, Integer> given) {
        experts.pattern = given;
        return this;
    }

    /** Counts for equal parts of the layers. */
    public MixtureBuilder expertsByDepth(List<Integer> given) {
        experts.byDepth = given;
        return this;
    }

    /** Rank of each expert. */
    public MixtureBuilder rank(int given) {
        experts.rank = given;
        return this;
    }

    /** Other ranks for particular modules. */
    public MixtureBuilder rankPattern(Map<String, Integer> given) {
        experts.rankPattern = given;
        return this;
    }

    /** Ranks for equal parts of the layers. */
    public MixtureBuilder ranksByDepth(List<Integer> given) {
        experts.ranksByDepth = given;
        return this;
    }

    /** Of the scaling {@code alpha / rank}. */
    public MixtureBuilder alpha(double given) {
        experts.alpha = given;
        return this;
    }

    /** On the experts' input in training. */
    public MixtureBuilder dropout(double given) {
        experts.dropout = given;
        return this;
    }

    /** How weights start. */
    public MixtureBuilder initialisation(MixtureSpec.Initialisation given) {
        experts.initialisation = given;
        return this;
    }

    /** What decides on the experts. */
    public MixtureBuilder scorer(MixtureSpec.Scorer given) {
        routing.scorer = given;
        return this;
    }

    /** How the router comes to its scores. */
    public MixtureBuilder form(RouterForm given) {
        routing.form = given;
        return this;
    }

    /** How scores become gates. */
    public MixtureBuilder activation(Activation given) {
        routing.activation = given;
        return this;
    }

    /** Which experts a token is given. */
    public MixtureBuilder choice(MixtureSpec.Choice given) {
        routing.choice = given;
        return this;
    }

    /** Experts of a token at most, where the largest are chosen. */
    public MixtureBuilder topK(int given) {
        routing.topK = given;
        return this;
    }

    /** What gates are compared with. */
    public MixtureBuilder threshold(Optional<Double> given) {
        routing.threshold = given;
        return this;
    }

    /** Whether every rank has a gate of its own. */
    public MixtureBuilder perRank(boolean given) {
        routing.perRank = given;
        return this;
    }

    /** Whether the weights of a token's choices sum to 1. */
    public MixtureBuilder renormalise(boolean given) {
        routing.renormalise = given;
        return this;
    }

    /** On gates in training. */
    public MixtureBuilder expertDropout(double given) {
        routing.expertDropout = given;
        return this;
    }

    /** Of what an expert takes of a sequence; empty for no limit. */
    public MixtureBuilder capacityFactor(Optional<Double> given) {
        routing.capacityFactor = given;
        return this;
    }

    /** Whether that limit holds outside training too. */
    public MixtureBuilder capacityInEvaluation(boolean given) {
        routing.capacityInEvaluation = given;
        return this;
    }

    /** How far the bias on the choice moves after a step. */
    public MixtureBuilder biasStep(double given) {
        routing.biasStep = given;
        return this;
    }

    /** Whether a single expert is weighed too. */
    public MixtureBuilder soleRouter(boolean given) {
        routing.soleRouter = given;
        return this;
    }

    /** What blurs the router in training. */
    public MixtureBuilder noise(RouterNoise given) {
        routing.noise = given;
        return this;
    }

    /** Whether experts' gradients are weighed by the roots of their gates. */
    public MixtureBuilder rootGradient(boolean given) {
        routing.rootGradient = given;
        return this;
    }

    /** Which loss keeps experts evenly used. */
    public MixtureBuilder balance(MixtureSpec.Balance given) {
        losses.balance = given;
        return this;
    }

    /** Of that loss. */
    public MixtureBuilder auxiliaryCoefficient(double given) {
        losses.coefficient = given;
        return this;
    }

    /** How it values an even load. */
    public MixtureBuilder auxiliaryScale(LoadBalanceLoss.Scale given) {
        losses.scale = given;
        return this;
    }

    /** What it takes for one population. */
    public MixtureBuilder auxiliaryScope(LoadBalanceLoss.Scope given) {
        losses.scope = given;
        return this;
    }

    /** Of the localised balance loss. */
    public MixtureBuilder localisation(double given) {
        losses.localisation = given;
        return this;
    }

    /** Whether that loss takes the biased variance. */
    public MixtureBuilder biasedVariance(boolean given) {
        losses.biasedVariance = given;
        return this;
    }

    /** Of the z-loss. */
    public MixtureBuilder zCoefficient(double given) {
        losses.scores = given;
        return this;
    }

    /** Of the gates' entropy. */
    public MixtureBuilder entropyCoefficient(double given) {
        losses.entropy = given;
        return this;
    }

    /** Of how far the answers of two passes lie apart. */
    public MixtureBuilder consistencyCoefficient(double given) {
        losses.consistency = given;
        return this;
    }

    /** Of the overlap of a token's experts. */
    public MixtureBuilder overlapCoefficient(double given) {
        losses.overlap = given;
        return this;
    }

    /** Of the preconditioner of the experts' gradients; 0 for none. */
    public MixtureBuilder riemannianEpsilon(double given) {
        experts.riemannianEpsilon = given;
        return this;
    }

    /** What trains after what. */
    public MixtureBuilder stages(MixtureStages given) {
        stages = given;
        return this;
    }

    /** Modules whose experts are bottlenecks. */
    public MixtureBuilder bottlenecks(ModuleNames given) {
        experts.bottlenecks = given;
        return this;
    }

    /** Of minus the variance of a token's gates. */
    public MixtureBuilder varianceCoefficient(double given) {
        losses.variance = given;
        return this;
    }

    /** Whether counts are to be decided by an allocation before training. */
    public MixtureBuilder allocated(boolean given) {
        experts.allocated = given;
        return this;
    }
}
