package dev.espalier.adapter;

/** How a whole weight matrix trains before entries of it are chosen. */
public enum DensePhase {
    /**
     * Each gradient is applied inside backward, before the next one exists, with factored second moments and no momentum
     * (Adafactor); beside the change of each weight nothing dense is held. Steps are run by one worker. A micro-batch is an
     * update of its own, at its share of the learning rate; the norm that a run clips at looks at the other weights, while
     * here an update's root mean square is held to the learning rate.
     */
    FACTORED,

    /**
     * By the run's optimizer, as arXiv 2507.07140 has it with AdamW: gradient and moments are dense until the last
     * selection. Until then masked entries drift with what is left of their momentum, as in the authors' code.
     */
    ADAMW
}
