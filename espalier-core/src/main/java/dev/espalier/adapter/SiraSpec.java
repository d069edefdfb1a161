package dev.espalier.adapter;

import dev.espalier.error.InputException;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import dev.espalier.tensor.Initialiser;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * SiRA, a sparse mixture of low-rank adaptations (Zhu et al.,
 * <a href="https://arxiv.org/abs/2311.09179">arXiv 2311.09179</a>): {@code y += s Σ_e G_e(x) B_e A_e x} with
 * {@code s = alpha / rank} and {@code G} the {@code topK} largest of {@code softmax(W x)}, with dropout on the gates, a
 * capacity per expert and sequence, and a loss that keeps the load even. No code of the authors is public: this is a
 * reconstruction from the paper, and what it leaves open is an option here.
 *
 * @param experts {@code E}
 * @param topK experts a token is given at most, before capacity
 * @param rank of each expert
 * @param dropout on the experts' input in training; the router sees its input without
 * @param expertDropout on the gates in training
 * @param capacityFactor {@code c} in {@code ceil(c · topK · S / E)} tokens an expert takes of a sequence of S; empty
 *     for no limit
 * @param capacityInEvaluation whether the limit holds outside training too
 * @param auxiliaryCoefficient what the load-balance loss is multiplied by
 * @param balancedAuxiliary whether that loss is scaled so that an even load gives 1 whatever E and topK are
 * @param renormalise whether the gates of a token's choices are scaled to sum to 1
 */
public record SiraSpec(
        TargetModules targets,
        int experts,
        int topK,
        int rank,
        double alpha,
        double dropout,
        double expertDropout,
        Optional<Double> capacityFactor,
        boolean capacityInEvaluation,
        double auxiliaryCoefficient,
        boolean balancedAuxiliary,
        boolean renormalise)
        implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "sira";

    /** The paper's setting. */
    public static final int EXPERTS = 16;

    /** The paper's setting. */
    public static final int TOP_K = 4;

    /** The paper's setting. */
    public static final int RANK = 4;

    /**
     * Our choice, the paper's is not known: {@code experts · rank}, so that {@code s} is the number of experts and an
     * expert whose gate has an even share of 1/E acts at scale 1.
     */
    public static final double ALPHA = 64;

    /** The paper's setting. */
    public static final double DROPOUT = 0.05;

    /** The paper's setting. */
    public static final double EXPERT_DROPOUT = 0.5;

    /** A quarter more than an even load needs, as in Switch Transformers (arXiv 2101.03961). */
    public static final double CAPACITY_FACTOR = 1.25;

    /** Usual for mixtures of experts (arXiv 2101.03961). */
    public static final double AUXILIARY_COEFFICIENT = 1e-2;

    public SiraSpec {
        Checks.positive("experts", experts);
        Checks.positive("top-k", topK);
        Checks.positive("rank", rank);
        Checks.positive("alpha", alpha);
        Checks.probability("dropout", dropout);
        Checks.probability("expert-dropout", expertDropout);
        capacityFactor.ifPresent(factor -> Checks.positive("capacity-factor", factor));
        Checks.notNegative("auxiliary-coefficient", auxiliaryCoefficient);
        if (topK > experts) {
            throw new InputException("top-k " + topK + " is more than the " + experts
                    + " experts; a token can be given each expert once.");
        }
    }

    /** The paper's setting on query and value. */
    public static SiraSpec defaults() {
        return new SiraSpec(
                TargetModules.DEFAULT,
                EXPERTS,
                TOP_K,
                RANK,
                ALPHA,
                DROPOUT,
                EXPERT_DROPOUT,
                Optional.of(CAPACITY_FACTOR),
                false,
                AUXILIARY_COEFFICIENT,
                false,
                false);
    }

    public SiraSpec withTargets(TargetModules targets) {
        return with(copy -> copy.targets = targets);
    }

    public SiraSpec withExperts(int experts, int topK) {
        return with(copy -> {
            copy.experts = experts;
            copy.topK = topK;
        });
    }

    public SiraSpec withRank(int rank) {
        return with(copy -> copy.rank = rank);
    }

    public SiraSpec withAlpha(double alpha) {
        return with(copy -> copy.alpha = alpha);
    }

    public SiraSpec withDropout(double dropout) {
        return with(copy -> copy.dropout = dropout);
    }

    public SiraSpec withExpertDropout(double expertDropout) {
        return with(copy -> copy.expertDropout = expertDropout);
    }

    /** Empty for no limit. */
    public SiraSpec withCapacityFactor(Optional<Double> capacityFactor) {
        return with(copy -> copy.capacityFactor = capacityFactor);
    }

    public SiraSpec withCapacityInEvaluation(boolean capacityInEvaluation) {
        return with(copy -> copy.capacityInEvaluation = capacityInEvaluation);
    }

    public SiraSpec withAuxiliaryCoefficient(double auxiliaryCoefficient) {
        return with(copy -> copy.auxiliaryCoefficient = auxiliaryCoefficient);
    }

    public SiraSpec withBalancedAuxiliary(boolean balancedAuxiliary) {
        return with(copy -> copy.balancedAuxiliary = balancedAuxiliary);
    }

    public SiraSpec withRenormalise(boolean renormalise) {
        return with(copy -> copy.renormalise = renormalise);
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        return delta(linear, weights, ExpertDropout.of(linear.name(), expertDropout));
    }

    LinearDelta delta(Linear linear, DeltaWeights weights, ExpertDropout gateDropout) {
        int in = linear.inFeatures();
        int out = linear.outFeatures();
        var a = weights.weight(
                "experts.lora_A.weight",
                StoredLayout.expertRows(experts, rank, in),
                random -> Initialiser.kaimingUniform(in, random, (long) experts * rank, in));
        var b = weights.weight(
                "experts.lora_B.weight",
                StoredLayout.expertColumns(experts, out, rank),
                random -> Initialiser.zeros(out, (long) experts * rank));
        var scorer = weights.weight(
                "router.weight",
                StoredLayout.same(experts, in),
                random -> Initialiser.kaimingUniform(in, random, experts, in));
        var settings = new TopKGate.Settings(
                topK,
                renormalise,
                gateDropout,
                new ExpertCapacity(capacityFactor, capacityInEvaluation),
                new LoadBalanceLoss(auxiliaryCoefficient, balancedAuxiliary));
        var router = new TopKRouter(linear.name(), scorer, weights.modules(), settings);
        return new RankGatedDelta(linear.name(), a, b, experts, alpha / rank, dropout, router);
    }

    private SiraSpec with(Consumer<Copy> change) {
        var copy = new Copy(this);
        change.accept(copy);
        return copy.spec();
    }

    /** The components while some of them change. */
    private static final class Copy {
        private TargetModules targets;
        private int experts;
        private int topK;
        private int rank;
        private double alpha;
        private double dropout;
        private double expertDropout;
        private Optional<Double> capacityFactor;
        private boolean capacityInEvaluation;
        private double auxiliaryCoefficient;
        private boolean balancedAuxiliary;
        private boolean renormalise;

        Copy(SiraSpec spec) {
            targets = spec.targets;
            experts = spec.experts;
            topK = spec.topK;
            rank = spec.rank;
            alpha = spec.alpha;
            dropout = spec.dropout;
            expertDropout = spec.expertDropout;
            capacityFactor = spec.capacityFactor;
            capacityInEvaluation = spec.capacityInEvaluation;
            auxiliaryCoefficient = spec.auxiliaryCoefficient;
            balancedAuxiliary = spec.balancedAuxiliary;
            renormalise = spec.renormalise;
        }

        SiraSpec spec() {
            return new SiraSpec(
                    targets,
                    experts,
                    topK,
                    rank,
                    alpha,
                    dropout,
                    expertDropout,
                    capacityFactor,
                    capacityInEvaluation,
                    auxiliaryCoefficient,
                    balancedAuxiliary,
                    renormalise);
        }
    }
}
