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
    private MixtureSpec.Kind kind;
    private ModuleNames bottlenecks;
    private int experts;
    private Map<String, Integer> expertsPattern;
    private boolean allocated;
    private List<Integer> expertsByDepth;
    private int rank;
    private Map<String, Integer> rankPattern;
    private List<Integer> ranksByDepth;
    private double alpha;
    private double dropout;
    private MixtureSpec.Initialisation initialisation;
    private double riemannianEpsilon;
    private MixtureSpec.Scorer scorer;
    private RouterForm form;
    private Activation activation;
    private MixtureSpec.Choice choice;
    private int topK;
    private Optional<Double> threshold;
    private boolean perRank;
    private boolean renormalise;
    private double expertDropout;
    private Optional<Double> capacityFactor;
    private boolean capacityInEvaluation;
    private double biasStep;
    private boolean soleRouter;
    private RouterNoise noise;
    private boolean rootGradient;
    private MixtureSpec.Balance balance;
    private double auxiliaryCoefficient;
    private LoadBalanceLoss.Scale auxiliaryScale;
    private LoadBalanceLoss.Scope auxiliaryScope;
    private double localisation;
    private boolean biasedVariance;
    private double zCoefficient;
    private double varianceCoefficient;
    private double entropyCoefficient;
    private double consistencyCoefficient;
    private double overlapCoefficient;
    private MixtureStages stages;

    MixtureBuilder(MixtureSpec spec) {
        method = spec.method();
        targets = spec.targets();
        kind = spec.experts().kind();
        bottlenecks = spec.experts().bottlenecks();
        experts = spec.experts().count();
        expertsPattern = spec.experts().pattern();
        allocated = spec.experts().allocated();
        expertsByDepth = spec.experts().byDepth();
        rank = spec.experts().rank();
        rankPattern = spec.experts().rankPattern();
        ranksByDepth = spec.experts().ranksByDepth();
        alpha = spec.experts().alpha();
        dropout = spec.experts().dropout();
        initialisation = spec.experts().initialisation();
        riemannianEpsilon = spec.experts().riemannianEpsilon();
        scorer = spec.routing().scorer();
        form = spec.routing().form();
        activation = spec.routing().activation();
        choice = spec.routing().choice();
        topK = spec.routing().topK();
        threshold = spec.routing().threshold();
        perRank = spec.routing().perRank();
        renormalise = spec.routing().renormalise();
        expertDropout = spec.routing().expertDropout();
        capacityFactor = spec.routing().capacityFactor();
        capacityInEvaluation = spec.routing().capacityInEvaluation();
        biasStep = spec.routing().biasStep();
        soleRouter = spec.routing().soleRouter();
        noise = spec.routing().noise();
        rootGradient = spec.routing().rootGradient();
        balance = spec.losses().balance();
        auxiliaryCoefficient = spec.losses().coefficient();
        auxiliaryScale = spec.losses().scale();
        auxiliaryScope = spec.losses().scope();
        localisation = spec.losses().localisation();
        biasedVariance = spec.losses().biasedVariance();
        zCoefficient = spec.losses().scores();
        varianceCoefficient = spec.losses().variance();
        entropyCoefficient = spec.losses().entropy();
        consistencyCoefficient = spec.losses().consistency();
        overlapCoefficient = spec.losses().overlap();
        stages = spec.stages();
    }

    MixtureSpec build() {
        return new MixtureSpec(
                method,
                targets,
                new MixtureSpec.Experts(
                        kind,
                        bottlenecks,
                        experts,
                        expertsPattern,
                        allocated,
                        expertsByDepth,
                        rank,
                        rankPattern,
                        ranksByDepth,
                        alpha,
                        dropout,
                        initialisation,
                        riemannianEpsilon),
                new MixtureSpec.Routing(
                        scorer,
                        form,
                        activation,
                        choice,
                        topK,
                        threshold,
                        perRank,
                        renormalise,
                        expertDropout,
                        capacityFactor,
                        capacityInEvaluation,
                        biasStep,
                        soleRouter,
                        noise,
                        rootGradient),
                new MixtureSpec.Losses(
                        balance,
                        auxiliaryCoefficient,
                        auxiliaryScale,
                        auxiliaryScope,
                        localisation,
                        biasedVariance,
                        zCoefficient,
                        varianceCoefficient,
                        entropyCoefficient,
                        consistencyCoefficient,
                        overlapCoefficient),
                stages);
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
        kind = given;
        return this;
    }

    /** Experts of a module. */
    public MixtureBuilder experts(int given) {
        experts = given;
        return this;
    }

    /** Other counts for particular modules. */
    public MixtureBuilder expertsPattern(Map<String, Integer> given) {
        expertsPattern = given;
        return this;
    }

    /** Counts for equal parts of the layers. */
    public MixtureBuilder expertsByDepth(List<Integer> given) {
        expertsByDepth = given;
        return this;
    }

    /** Rank of each expert. */
    public MixtureBuilder rank(int given) {
        rank = given;
        return this;
    }

    /** Other ranks for particular modules. */
    public MixtureBuilder rankPattern(Map<String, Integer> given) {
        rankPattern = given;
        return this;
    }

    /** Ranks for equal parts of the layers. */
    public MixtureBuilder ranksByDepth(List<Integer> given) {
        ranksByDepth = given;
        return this;
    }

    /** Of the scaling {@code alpha / rank}. */
    public MixtureBuilder alpha(double given) {
        alpha = given;
        return this;
    }

    /** On the experts' input in training. */
    public MixtureBuilder dropout(double given) {
        dropout = given;
        return this;
    }

    /** How weights start. */
    public MixtureBuilder initialisation(MixtureSpec.Initialisation given) {
        initialisation = given;
        return this;
    }

    /** What decides on the experts. */
    public MixtureBuilder scorer(MixtureSpec.Scorer given) {
        scorer = given;
        return this;
    }

    /** How the router comes to its scores. */
    public MixtureBuilder form(RouterForm given) {
        form = given;
        return this;
    }

    /** How scores become gates. */
    public MixtureBuilder activation(Activation given) {
        activation = given;
        return this;
    }

    /** Which experts a token is given. */
    public MixtureBuilder choice(MixtureSpec.Choice given) {
        choice = given;
        return this;
    }

    /** Experts of a token at most, where the largest are chosen. */
    public MixtureBuilder topK(int given) {
        topK = given;
        return this;
    }

    /** What gates are compared with. */
    public MixtureBuilder threshold(Optional<Double> given) {
        threshold = given;
        return this;
    }

    /** Whether every rank has a gate of its own. */
    public MixtureBuilder perRank(boolean given) {
        perRank = given;
        return this;
    }

    /** Whether the weights of a token's choices sum to 1. */
    public MixtureBuilder renormalise(boolean given) {
        renormalise = given;
        return this;
    }

    /** On gates in training. */
    public MixtureBuilder expertDropout(double given) {
        expertDropout = given;
        return this;
    }

    /** Of what an expert takes of a sequence; empty for no limit. */
    public MixtureBuilder capacityFactor(Optional<Double> given) {
        capacityFactor = given;
        return this;
    }

    /** Whether that limit holds outside training too. */
    public MixtureBuilder capacityInEvaluation(boolean given) {
        capacityInEvaluation = given;
        return this;
    }

    /** How far the bias on the choice moves after a step. */
    public MixtureBuilder biasStep(double given) {
        biasStep = given;
        return this;
    }

    /** Whether a single expert is weighed too. */
    public MixtureBuilder soleRouter(boolean given) {
        soleRouter = given;
        return this;
    }

    /** What blurs the router in training. */
    public MixtureBuilder noise(RouterNoise given) {
        noise = given;
        return this;
    }

    /** Whether experts' gradients are weighed by the roots of their gates. */
    public MixtureBuilder rootGradient(boolean given) {
        rootGradient = given;
        return this;
    }

    /** Which loss keeps experts evenly used. */
    public MixtureBuilder balance(MixtureSpec.Balance given) {
        balance = given;
        return this;
    }

    /** Of that loss. */
    public MixtureBuilder auxiliaryCoefficient(double given) {
        auxiliaryCoefficient = given;
        return this;
    }

    /** How it values an even load. */
    public MixtureBuilder auxiliaryScale(LoadBalanceLoss.Scale given) {
        auxiliaryScale = given;
        return this;
    }

    /** What it takes for one population. */
    public MixtureBuilder auxiliaryScope(LoadBalanceLoss.Scope given) {
        auxiliaryScope = given;
        return this;
    }

    /** Of the localised balance loss. */
    public MixtureBuilder localisation(double given) {
        localisation = given;
        return this;
    }

    /** Whether that loss takes the biased variance. */
    public MixtureBuilder biasedVariance(boolean given) {
        biasedVariance = given;
        return this;
    }

    /** Of the z-loss. */
    public MixtureBuilder zCoefficient(double given) {
        zCoefficient = given;
        return this;
    }

    /** Of the gates' entropy. */
    public MixtureBuilder entropyCoefficient(double given) {
        entropyCoefficient = given;
        return this;
    }

    /** Of how far the answers of two passes lie apart. */
    public MixtureBuilder consistencyCoefficient(double given) {
        consistencyCoefficient = given;
        return this;
    }

    /** Of the overlap of a token's experts. */
    public MixtureBuilder overlapCoefficient(double given) {
        overlapCoefficient = given;
        return this;
    }

    /** Of the preconditioner of the experts' gradients; 0 for none. */
    public MixtureBuilder riemannianEpsilon(double given) {
        riemannianEpsilon = given;
        return this;
    }

    /** What trains after what. */
    public MixtureBuilder stages(MixtureStages given) {
        stages = given;
        return this;
    }

    /** Modules whose experts are bottlenecks. */
    public MixtureBuilder bottlenecks(ModuleNames given) {
        bottlenecks = given;
        return this;
    }

    /** Of minus the variance of a token's gates. */
    public MixtureBuilder varianceCoefficient(double given) {
        varianceCoefficient = given;
        return this;
    }

    /** Whether counts are to be decided by an allocation before training. */
    public MixtureBuilder allocated(boolean given) {
        allocated = given;
        return this;
    }
}
