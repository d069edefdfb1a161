package dev.espalier.train;

import java.util.Map;
import java.util.OptionalDouble;

/** Watches a run; called on the thread that trains, between steps. */
public interface ProgressListener {
    /** Watches nothing. */
    ProgressListener NONE = new ProgressListener() {};

    /**
     * A step is done.
     *
     * @param step from 1
     * @param steps of the whole run
     * @param loss of this step
     * @param metric the last validation's score by which checkpoints are compared, if there was one
     * @param tokensPerSecond over the last steps, padding not counted
     * @param secondsLeft until the last step, as the steps so far went
     */
    record Step(int step, int steps, double loss, OptionalDouble metric, double tokensPerSecond, double secondsLeft) {}

    /**
     * A task was validated.
     *
     * @param metrics by key, {@code loss} among them
     * @param best whether no earlier validation was better; over all tasks
     */
    record Validation(int step, String task, Map<String, Double> metrics, boolean best) {}

    /** A new part of the work begins; {@code message} is a few words for people. */
    default void phase(String message) {}

    default void step(Step step) {}

    default void validation(Validation validation) {}
}
