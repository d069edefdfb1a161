package dev.espalier.adapter;

import java.util.List;

/**
 * A part of a run in which some of an adapter's weights train and the others stay to the bit as they are. How its deltas act
 * in a stage is theirs to know, see {@link StagedDelta}; {@link Adapter#enter} makes both so.
 *
 * @param name for people, such as {@code router}
 * @param share of the run's steps, above 0; those of all stages add up to 1
 * @param weights which train, by the beginnings of their keys in files
 * @param heads whether the tasks' heads train too
 */
public record Stage(String name, double share, List<String> weights, boolean heads) {
    public Stage {
        weights = List.copyOf(weights);
    }

    /** Whether the weight that a file calls {@code MODULE.key} trains. */
    boolean trains(String key) {
        return weights.stream().anyMatch(key::startsWith);
    }
}
