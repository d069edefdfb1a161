package dev.espalier.adapter;

import dev.espalier.kernel.OverlapLoss;

/**
 * What a mixture adds to the training of its experts.
 *
 * @param rootGradient whether an expert's gradient is weighed by the root of its gate
 * @param overlap of the outputs of a token's experts
 */
record ExpertTraining(boolean rootGradient, OverlapLoss overlap) {
    /** Nothing. */
    static final ExpertTraining USUAL = new ExpertTraining(false, OverlapLoss.NONE);
}
