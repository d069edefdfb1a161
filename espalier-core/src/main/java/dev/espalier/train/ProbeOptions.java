package dev.espalier.train;

import dev.espalier.adapter.TargetModules;
import dev.espalier.error.InputException;

/**
 * How sensitivities are measured.
 *
 * @param targets the linears that are measured; heads are never among them
 * @param samples training rows of each task, drawn by the run's seed; all where there are fewer
 * @param pass what is done with a row
 * @param trainHead whether a head that starts from random weights is trained alone for an epoch first: before that,
 *     gradients tell of the random head
 */
public record ProbeOptions(TargetModules targets, int samples, Pass pass, boolean trainHead) {
    /** 64 rows, all matrices on each. */
    public static final ProbeOptions DEFAULT = new ProbeOptions(TargetModules.allLinear(), 64, Pass.EXACT, true);

    /** What is done with a row. */
    public enum Pass {
        /** The gradients of all matrices on every row; nothing changes. */
        EXACT,
        /**
         * The gradients of one layer on each row, layer after layer, as the authors' probe does; but for the small step
         * that it takes with them before the next row. Nothing changes.
         */
        BLOCKWISE
    }

    /** @throws InputException if there are fewer than two samples */
    public ProbeOptions {
        if (samples < 2) {
            throw new InputException(
                    "Sensitivities need at least 2 samples, to tell how stable they are, not " + samples + ".");
        }
    }

    /** The same on other matrices. */
    public ProbeOptions withTargets(TargetModules other) {
        return new ProbeOptions(other, samples, pass, trainHead);
    }

    /** The same on so many rows. */
    public ProbeOptions withSamples(int count) {
        return new ProbeOptions(targets, count, pass, trainHead);
    }

    /** The same with another pass. */
    public ProbeOptions withPass(Pass other) {
        return new ProbeOptions(targets, samples, other, trainHead);
    }

    /** The same with or without an epoch for a new head. */
    public ProbeOptions withTrainHead(boolean train) {
        return new ProbeOptions(targets, samples, pass, train);
    }
}
