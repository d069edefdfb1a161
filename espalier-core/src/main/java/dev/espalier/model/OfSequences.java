package dev.espalier.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a pass is told of its sequences, by segment of its layout.
 *
 * @param adapters the one that acts on each; null where all act on all
 * @param tasks places in the run
 * @param experts weights {@code [segments, experts]}; null where the task decides
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
record OfSequences(@Nullable List<Optional<String>> adapters, int[] tasks, float @Nullable [][] experts) {
    /** All are of the first task. */
    static OfSequences none(int sequences) {
        return new OfSequences(null, new int[sequences], null);
    }

    OfSequences with(List<Optional<String>> given) {
        return new OfSequences(given, tasks, experts);
    }

    OfSequences with(int[] given) {
        return new OfSequences(adapters, given, experts);
    }

    OfSequences with(float[][] given) {
        return new OfSequences(adapters, tasks, given);
    }

    /** Whether {@code adapter} acts on all. */
    boolean selects(String adapter) {
        return adapters == null || adapters.stream().allMatch(name -> name.equals(Optional.of(adapter)));
    }

    /** The segments that {@code adapter} was chosen for; where nothing is chosen, none. */
    int[] chosenFor(String adapter) {
        return IntStream.range(0, tasks.length)
                .filter(i -> adapters != null && adapters.get(i).equals(Optional.of(adapter)))
                .toArray();
    }

    /** For each segment the first one that the same adapter acts on. */
    int[] firstWithSameAdapter() {
        return IntStream.range(0, tasks.length)
                .map(i -> adapters == null ? 0 : adapters.indexOf(adapters.get(i)))
                .toArray();
    }

    /** The same for an adapter that has been chosen already. */
    OfSequences onlyAdapter() {
        return new OfSequences(null, tasks, experts);
    }

    /** The same for some of the segments, or one several times. */
    OfSequences of(int[] segments) {
        return new OfSequences(
                adapters == null
                        ? null
                        : Arrays.stream(segments).mapToObj(adapters::get).toList(),
                Arrays.stream(segments).map(i -> tasks[i]).toArray(),
                experts == null
                        ? null
                        : Arrays.stream(segments).mapToObj(i -> experts[i]).toArray(float[][]::new));
    }
}
