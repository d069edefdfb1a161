package dev.espalier.report;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.ToDoubleFunction;

/**
 * A method with its settings, trained once for each seed.
 *
 * @param name by which it is known in the comparison
 * @param rank of its recipe, if the method has one
 * @param runs one for each seed, all of them finished
 */
public record Contender(String name, OptionalInt rank, List<Run> runs) {
    public Contender {
        runs = List.copyOf(runs);
    }

    /**
     * A finished run.
     *
     * @param fileSize of the adapter's weights on disk, in bytes
     */
    public record Run(long seed, RunHistory history, long fileSize) {
        /** What the run came to. */
        public RunHistory.Summary summary() {
            return history.summary()
                    .orElseThrow(() -> new IllegalArgumentException("run " + history.name() + " is not finished"));
        }

        /** The mean of what the process had in memory while it trained, in megabytes; empty if nothing was logged. */
        public OptionalDouble averageMemoryMb() {
            return history.train().stream()
                    .mapToDouble(RunHistory.Train::memoryMb)
                    .filter(Double::isFinite)
                    .average();
        }
    }

    /** The method's name, such as {@code sira}. */
    public String method() {
        return runs.get(0).summary().method();
    }

    /** Heads included; the mean over seeds, for some methods choose what they train by their data. */
    public long trainedWeights() {
        return Math.round(mean(run -> run.summary().trainedWeights()));
    }

    /** Without the heads. */
    public long trainedWeightsAdapter() {
        return Math.round(mean(run -> run.summary().trainedWeightsAdapter()));
    }

    /** The mean over seeds. */
    public double seconds() {
        return mean(run -> run.summary().seconds());
    }

    /** The mean over seeds, in bytes. */
    public double fileSize() {
        return mean(Run::fileSize);
    }

    /** The largest of all seeds. */
    public double peakMemoryMb() {
        return runs.stream()
                .mapToDouble(run -> run.summary().peakMemoryMb())
                .max()
                .orElse(Double.NaN);
    }

    private double mean(ToDoubleFunction<Run> of) {
        return runs.stream().mapToDouble(of).average().orElse(Double.NaN);
    }
}
