package dev.espalier.train;

import dev.espalier.error.InputException;

/**
 * What a run writes of itself; it changes nothing that is computed.
 *
 * @param logEvery steps from one line of training metrics to the next
 * @param csv whether the metrics are written as CSV too
 * @param tensorboard whether they are written for TensorBoard too
 * @param profile whether it is measured what steps spend their time and memory on
 */
public record LogOptions(int logEvery, boolean csv, boolean tensorboard, boolean profile) {
    /** A line every ten steps, and nothing beside. */
    public static final LogOptions DEFAULT = new LogOptions(10, false, false, false);

    /** @throws InputException if steps between lines are fewer than 1 */
    public LogOptions {
        if (logEvery < 1) {
            throw new InputException("The option log-every must be at least 1, not " + logEvery + ".");
        }
    }

    /** With other steps between lines. */
    public LogOptions every(int steps) {
        return new LogOptions(steps, csv, tensorboard, profile);
    }

    /** With a profile or without. */
    public LogOptions withProfile(boolean value) {
        return new LogOptions(logEvery, csv, tensorboard, value);
    }
}
