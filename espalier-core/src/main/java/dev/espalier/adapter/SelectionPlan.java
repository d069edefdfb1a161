package dev.espalier.adapter;

import dev.espalier.error.InputException;
import java.util.Optional;

/** When a sparse adapter chooses its entries, and what is trained until then. */
public sealed interface SelectionPlan {
    /**
     * When it is in a run.
     *
     * @param steps of the run, at least 2
     * @param stepsPerEpoch of a pass over the data
     */
    Times times(int steps, int stepsPerEpoch);

    /** How whole matrices train before the first selection, if they do. */
    default Optional<DensePhase> densePhase() {
        return Optional.empty();
    }

    /** Once, before the first step: SHiRA. Nothing has been trained then, so the score must do without. */
    record AtStart() implements SelectionPlan {
        @Override
        public Times times(int steps, int stepsPerEpoch) {
            return new Times(0, 1, 0);
        }
    }

    /**
     * The whole matrix trains up to the first selection, then what is kept; the others wait for the next selection, which
     * looks at all. This goes on for the first epoch, or half of the run where that is shorter (arXiv 2507.07140).
     *
     * @param every steps from one selection to the next; the last is at the end of the epoch
     * @param once whether the first selection is the last
     */
    record InFirstEpoch(int every, boolean once, DensePhase phase) implements SelectionPlan {
        public InFirstEpoch {
            Checks.positive("select-every", every);
        }

        @Override
        public Times times(int steps, int stepsPerEpoch) {
            int end = Math.min(stepsPerEpoch, steps / 2);
            int first = Math.min(every, end);
            return new Times(first, every, once ? first : end);
        }

        @Override
        public Optional<DensePhase> densePhase() {
            return Optional.of(phase);
        }
    }

    /**
     * The whole matrix trains for a share of the run; then entries are chosen, begin anew at 0 and train for the rest of
     * it: LT-SFT.
     *
     * @param share above 0 and below 1
     */
    record Rewound(double share, DensePhase phase) implements SelectionPlan {
        public Rewound {
            if (!(share > 0 && share < 1)) {
                throw new InputException("dense-share must be above 0 and below 1, not " + share + ".");
            }
        }

        @Override
        public Times times(int steps, int stepsPerEpoch) {
            int end = Math.max(1, Math.min(steps - 1, (int) Math.round(share * steps)));
            return new Times(end, 1, end);
        }

        @Override
        public Optional<DensePhase> densePhase() {
            return Optional.of(phase);
        }
    }

    /**
     * Every so many steps the smallest kept entries are dropped, and as many with the largest gradient take their place,
     * from 0: SpIEL. At the first step all are replaced; at step {@code t} of {@code T} later, {@code share (1 - t / T)} of
     * them.
     *
     * @param share of the kept entries, above 0 and at most 1
     */
    record DropAndGrow(int every, double share) implements SelectionPlan {
        public DropAndGrow {
            Checks.positive("select-every", every);
            if (!(share > 0 && share <= 1)) {
                throw new InputException("drop-share must be above 0 and at most 1, not " + share + ".");
            }
        }

        @Override
        public Times times(int steps, int stepsPerEpoch) {
            return new Times(0, every, (steps - 1) / every * every);
        }
    }

    /**
     * The steps before which entries are chosen.
     *
     * @param first of them; whole matrices train up to it
     * @param every steps from one to the next
     * @param last of them
     */
    record Times(int first, int every, int last) {
        boolean selectsBefore(int step) {
            return step == last || (step >= first && step < last && (step - first) % every == 0);
        }
    }
}
