package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;

/**
 * SiRA's numbers: every adapted module has a router and several low-rank experts, of which each token uses a few.
 *
 * @param experts per adapted module
 * @param topK experts a token uses
 * @param rank of each expert
 * @param alpha an expert's output is scaled by alpha / rank
 * @param dropout on the experts' input
 * @param expertDropout on the router's probabilities
 * @param capacityFactor times topK * tokens / experts is what an expert takes of a sequence in training; 0 for no limit
 * @param auxiliaryCoefficient weight of the load-balancing loss
 * @param renormalise whether the chosen experts' weights are made to sum to 1
 * @param target where it attaches
 */
@Variant(value = "sira", is = "sparse mixture of low-rank experts")
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
                        "While training, an expert takes at most capacity-factor * top-k * tokens / experts tokens of a sequence; 0 for no limit.",
                atLeast = 0)
        double capacityFactor,

        @Key(value = "Weight of the loss that keeps the experts' load balanced.", atLeast = 0)
        double auxiliaryCoefficient,

        @Key("Make the weights of a token's chosen experts sum to 1.")
        boolean renormalise,

        @Inline TargetSection target)
        implements AdapterSection, Checked {
    /** The paper's setting; its alpha is not known. */
    public static final SiraSection DEFAULT =
            new SiraSection(16, 4, 4, 16, 0.05, 0.5, 1, 0.01, false, TargetSection.DEFAULT);

    @Override
    public void check() {
        if (topK > experts) {
            throw new InputException("top-k is " + topK + ", more than the " + experts
                    + " experts there are; lower top-k or raise experts.");
        }
    }
}
