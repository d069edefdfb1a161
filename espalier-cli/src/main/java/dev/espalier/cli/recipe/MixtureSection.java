package dev.espalier.cli.recipe;

import dev.espalier.adapter.MixtureSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.RouterForm;
import dev.espalier.routing.Activation;
import dev.espalier.routing.LoadBalanceLoss;
import dev.espalier.routing.RouterNoise;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A mixture of experts; see {@link MixtureSpec}, which it becomes, and {@link Mixtures}, which says what keys each has. */
public record MixtureSection(
        String method,

        @Key(value = "Experts of each adapted module.", atLeast = 1)
        int experts,

        @Key(
                value =
                        "Other numbers of experts for particular modules, 0 for none: a regular expression for the end of the path, and the number; the first match wins.",
                atLeast = 0)
        Map<String, Integer> expertsPattern,

        @Key(
                value =
                        "Numbers of experts for equal parts of the layers, from the first to the last, in place of experts.",
                atLeast = 0)
        List<Integer> expertsByDepth,

        @Key(value = "Rank of each expert: the inner size of its two matrices.", atLeast = 1)
        int rank,

        @Key(value = "Other ranks for particular modules, as experts-pattern.", atLeast = 1)
        Map<String, Integer> rankPattern,

        @Key(value = "Ranks for equal parts of the layers, in place of rank.", atLeast = 1)
        List<Integer> ranksByDepth,

        @Key(
                value =
                        "An expert's output is scaled by alpha / rank; weights that need no router start at alpha instead.",
                above = 0)
        double alpha,

        @Key(value = "Dropout on the experts' input while training; the router sees it whole.", atLeast = 0, below = 1)
        double dropout,

        @Key("How A and the router start: Kaiming-uniform (default) or normal.")
        MixtureSpec.Initialisation initialisation,

        @Key(
                value =
                        "Multiply gradients of A and B by (B^T B + e I)^-1 and (A A^T + e I)^-1 with this e, before they are clipped (Riemannian preconditioning); 0 for none.",
                atLeast = 0)
        double riemannianEpsilon,

        @Key(
                "What decides on the experts: each token (token), the mean of a sequence's tokens (sequence), each token once for all modules of a layer (layer), the task (task), nothing but a trained weight (static), or chance (random).")
        MixtureSpec.Scorer scorer,

        @Key(
                "How the router scores: linear, a network of two layers (mlp), by cosines with trained prototypes (prototype), or by sizes of dot products (arrow).")
        RouterForm.Kind router,

        @Key(value = "Hidden units of the router mlp.", atLeast = 1)
        int routerHidden,

        @Key(value = "What the cosines of the router prototype are divided by.", above = 0)
        double routerTemperature,

        @Key("How the router's scores become gates.") Activation activation,

        @Key(value = "Experts that each token uses; no more than there are.", atLeast = 1)
        int topK,

        @Key(
                value =
                        "What gates are compared with. For adamole the largest one, 0 for one over the number of experts.",
                atLeast = 0)
        double threshold,

        @Key("Make the weights of a token's chosen experts sum to 1.")
        boolean renormalise,

        @Key(value = "Dropout on the experts' gates while training, before experts are chosen.", atLeast = 0, below = 1)
        double expertDropout,

        @Key(
                value =
                        "An expert takes at most capacity-factor * top-k * tokens / experts of a sequence's tokens; 0 for no limit.",
                atLeast = 0)
        double capacityFactor,

        @Key("Whether that limit holds outside of training too.")
        boolean capacityInEvaluation,

        @Key(value = "How far the bias on the choice moves towards an even load after each step.", atLeast = 0)
        double biasStep,

        @Key(value = "Standard deviation of noise on the router's scores while training.", atLeast = 0)
        double routerNoise,

        @Key(
                value = "While training, the router's input is multiplied by random numbers as far from 1 as this.",
                atLeast = 0,
                below = 1)
        double routerJitter,

        @Key(
                "Weigh an expert's gradient by the square root of its gate, though its output is weighed by the gate itself.")
        boolean rootGradient,

        @Key(value = "Weight of the loss that keeps the experts' load even; 0 for none.", atLeast = 0)
        double auxiliaryCoefficient,

        @Key("What that loss is for an even load: top-k / experts^2 (mean), 1 (by-selection) or top-k (by-token).")
        LoadBalanceLoss.Scale auxiliaryScale,

        @Key("Whether load is evened within each sequence or over a batch.")
        LoadBalanceLoss.Scope auxiliaryScope,

        @Key(
                value = "How much more an expert counts for tasks of its own type, and less for the other.",
                atLeast = 0,
                below = 1)
        double localisation,

        @Key("Whether that loss takes the variance over all values (biased), not over one less.")
        boolean biasedVariance,

        @Key(value = "Weight of the z-loss, which keeps the router's scores small.", atLeast = 0)
        double zCoefficient,

        @Key(value = "Weight of minus the variance of a token's gates, which tells experts apart.", atLeast = 0)
        double varianceCoefficient,

        @Key("Weight of the gates' entropy in the loss: above 0 makes the router surer, below 0 less sure.")
        double entropyCoefficient,

        @Key(
                value =
                        "Weight of how far the answers of two passes with other random draws lie apart (of labels the symmetric KL divergence, of numbers the squared difference); 0 for one pass a step.",
                atLeast = 0)
        double consistencyCoefficient,

        @Key(
                value =
                        "Weight of the mean squared cosine between the outputs of a token's experts, which keeps them unlike.",
                atLeast = 0)
        double overlapCoefficient,

        @Key(
                value = "Shares of the run's steps that its stages have, one after another; they add up to 1.",
                above = 0,
                below = 1)
        List<Double> stageShares,

        @Key("Let the expert of all tasks act on every token, beside what the router weighs.")
        boolean residual,

        @Inline TargetSection target)
        implements AdapterSection, Family {
    public MixtureSection {
        // Not Map.copyOf: the order of the patterns counts.
        expertsPattern = Collections.unmodifiableMap(new LinkedHashMap<>(expertsPattern));
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        expertsByDepth = List.copyOf(expertsByDepth);
        ranksByDepth = List.copyOf(ranksByDepth);
        stageShares = List.copyOf(stageShares);
    }

    /** The default section of every method. */
    static List<MixtureSection> all() {
        return Mixtures.all().values().stream()
                .map(method -> of(method.defaults()))
                .toList();
    }

    private static MixtureSection of(MixtureSpec spec) {
        var experts = spec.experts();
        var routing = spec.routing();
        var losses = spec.losses();
        return new MixtureSection(
                spec.method(),
                experts.count(),
                experts.pattern(),
                experts.byDepth(),
                experts.rank(),
                experts.rankPattern(),
                experts.ranksByDepth(),
                experts.alpha(),
                experts.dropout(),
                experts.initialisation(),
                experts.riemannianEpsilon(),
                routing.scorer(),
                routing.form().kind(),
                routing.form().hidden(),
                routing.form().temperature(),
                routing.activation(),
                routing.topK(),
                routing.threshold().orElse(0.0),
                routing.renormalise(),
                routing.expertDropout(),
                routing.capacityFactor().orElse(0.0),
                routing.capacityInEvaluation(),
                routing.biasStep(),
                routing.noise().scores(),
                routing.noise().jitter(),
                routing.rootGradient(),
                losses.coefficient(),
                losses.scale(),
                losses.scope(),
                losses.localisation(),
                losses.biasedVariance(),
                losses.scores(),
                losses.variance(),
                losses.entropy(),
                losses.consistency(),
                losses.overlap(),
                spec.stages().shares(),
                spec.stages().residual(),
                TargetSection.of(spec.targets()));
    }

    private Mixtures.Method which() {
        return Optional.ofNullable(Mixtures.all().get(method)).orElseThrow();
    }

    @Override
    public Method known() {
        return new Method(which().summary(), which().options());
    }

    @Override
    public MixtureSpec spec() {
        return which().defaults().with(m -> m.targets(target.targets())
                .experts(experts)
                .expertsPattern(expertsPattern)
                .expertsByDepth(expertsByDepth)
                .rank(rank)
                .rankPattern(rankPattern)
                .ranksByDepth(ranksByDepth)
                .alpha(alpha)
                .dropout(dropout)
                .initialisation(initialisation)
                .riemannianEpsilon(riemannianEpsilon)
                .scorer(scorer)
                .form(new RouterForm(router, routerHidden, routerTemperature))
                .activation(activation)
                .topK(topK)
                .threshold(Optional.of(threshold).filter(t -> t > 0))
                .renormalise(renormalise)
                .expertDropout(expertDropout)
                .capacityFactor(Optional.of(capacityFactor).filter(factor -> factor > 0))
                .capacityInEvaluation(capacityInEvaluation)
                .biasStep(biasStep)
                .noise(new RouterNoise(routerNoise, routerJitter))
                .rootGradient(rootGradient)
                .auxiliaryCoefficient(auxiliaryCoefficient)
                .auxiliaryScale(auxiliaryScale)
                .auxiliaryScope(auxiliaryScope)
                .localisation(localisation)
                .biasedVariance(biasedVariance)
                .zCoefficient(zCoefficient)
                .varianceCoefficient(varianceCoefficient)
                .entropyCoefficient(entropyCoefficient)
                .consistencyCoefficient(consistencyCoefficient)
                .overlapCoefficient(overlapCoefficient)
                .stages(which().defaults().stages().withShares(stageShares).withResidual(residual)));
    }
}
