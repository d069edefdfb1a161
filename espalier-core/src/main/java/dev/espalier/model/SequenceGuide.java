package dev.espalier.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Tells a pass what each of its sequences is given beside its tokens: an adapter or experts of its own. Called for every
 * pass that a sequence takes part in, from any thread.
 */
@FunctionalInterface
public interface SequenceGuide {
    /** Says nothing: the adapters that act on the model act on all sequences. */
    SequenceGuide NONE = (context, sequences) -> {};

    /**
     * @param sequences who each segment of the pass is: a place in the list of prompts or examples
     */
    void guide(ForwardContext context, int[] sequences);

    /** Gives each sequence the adapter of its place in the list; see {@link ForwardContext#adapters}. */
    static SequenceGuide adapters(List<Optional<String>> names) {
        return (context, sequences) ->
                context.adapters(Arrays.stream(sequences).mapToObj(names::get).toList());
    }

    /** Gives each sequence the experts of its place in the list; see {@link ForwardContext#experts}. */
    static SequenceGuide experts(List<float[]> weights) {
        return (context, sequences) ->
                context.experts(Arrays.stream(sequences).mapToObj(weights::get).toArray(float[][]::new));
    }

    /** Says that all are of the task at {@code place} in the run; see {@link ForwardContext#tasks}. */
    static SequenceGuide task(int place) {
        return (context, sequences) -> {
            var tasks = new int[sequences.length];
            Arrays.fill(tasks, place);
            context.tasks(tasks);
        };
    }

    /** The same for another list, each of whose entries stands for the one at a place in this one's. */
    default SequenceGuide at(List<Integer> places) {
        return (context, sequences) ->
                guide(context, Arrays.stream(sequences).map(places::get).toArray());
    }

    /** Says what both say. */
    default SequenceGuide and(SequenceGuide other) {
        return (context, sequences) -> {
            guide(context, sequences);
            other.guide(context, sequences);
        };
    }
}
