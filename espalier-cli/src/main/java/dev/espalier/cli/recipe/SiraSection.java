package dev.espalier.cli.recipe;

import dev.espalier.adapter.SiraSpec;
import java.util.Optional;

/** SiRA; see {@link SiraSpec}, which it becomes. */
@Variant(value = SiraSpec.METHOD, is = "sparse mixture of low-rank experts")
public record SiraSection(
        @Key(value = "Low-rank experts of each adapted module.", atLeast = 1)
        int experts,

        @Key(value = "Experts that each token uses; no more than there are.", atLeast = 1)
        int topK,

        @Key(value = "Rank of each expert: the inner size of its two matrices.", atLeast = 1)
        int rank,

        @Key(value = "An expert's output is scaled by alpha / rank.", above = 0)
        double alpha,

        @Key(value = "Dropout on the experts' input while training; the router sees it whole.", atLeast = 0, below = 1)
        double dropout,

        @Key(
                value = "Dropout on the router's probabilities while training, before experts are chosen.",
                atLeast = 0,
                below = 1)
        double expertDropout,

        @Key(
                value =
                        "An expert takes at most capacity-factor * top-k * tokens / experts of a sequence's tokens; 0 for no limit.",
                atLeast = 0)
        double capacityFactor,

        @Key("Whether that limit holds outside of training too.")
        boolean capacityInEvaluation,

        @Key(value = "Weight of the loss that keeps the experts' load even.", atLeast = 0)
        double auxiliaryCoefficient,

        @Key("Scale that loss so that an even load gives 1, whatever experts and top-k are.")
        boolean balancedAuxiliary,

        @Key("Make the weights of a token's chosen experts sum to 1.")
        boolean renormalise,

        @Inline TargetSection target)
        implements AdapterSection {
    static final SiraSection DEFAULT = of(SiraSpec.defaults());

    private static SiraSection of(SiraSpec spec) {
        return new SiraSection(
                spec.experts(),
                spec.topK(),
                spec.rank(),
                spec.alpha(),
                spec.dropout(),
                spec.expertDropout(),
                spec.capacityFactor().orElse(0.0),
                spec.capacityInEvaluation(),
                spec.auxiliaryCoefficient(),
                spec.balancedAuxiliary(),
                spec.renormalise(),
                TargetSection.of(spec.targets()));
    }

    @Override
    public SiraSpec spec() {
        return new SiraSpec(
                target.targets(),
                experts,
                topK,
                rank,
                alpha,
                dropout,
                expertDropout,
                Optional.of(capacityFactor).filter(factor -> factor > 0),
                capacityInEvaluation,
                auxiliaryCoefficient,
                balancedAuxiliary,
                renormalise);
    }
}
