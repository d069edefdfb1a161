package dev.espalier.study;

import java.util.List;

/**
 * A model that is scored: the bare one, or one with adapters merged into it.
 *
 * @param experts the adapters' kind; empty for the bare model
 * @param method how they are merged, with all that decides how; empty for the bare model
 * @param tasks the adapters' tasks, in the order they are merged
 * @param seed of what the merge draws
 * @param weights a checksum of the adapters, so that a score is never taken for that of others
 */
record Subject(String experts, String method, List<String> tasks, long seed, String weights) {
    /** The bare model. */
    static final Subject BARE = new Subject("", "", List.of(), 0, "");

    Subject {
        tasks = List.copyOf(tasks);
    }
}
