package dev.espalier.route;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An adapter in a library.
 *
 * @param name unique in the library
 * @param baseModel name or path of the model it was trained on
 * @param method what its folder says it is
 * @param modules the linears that it changes, by path, in forward order
 * @param tasks the tasks that it has heads for
 * @param samples what its texts are known by; empty where it was added without any
 */
public record LibraryEntry(
        String name,
        String baseModel,
        String method,
        Map<String, Module> modules,
        List<String> tasks,
        Optional<Samples> samples) {
    public LibraryEntry {
        modules = Collections.unmodifiableMap(new LinkedHashMap<>(modules));
        tasks = List.copyOf(tasks);
        samples = samples == null ? Optional.empty() : samples;
    }

    /**
     * A linear that an adapter changes.
     *
     * @param shape {@code [out, in]}
     * @param rank of the adapter there
     */
    public record Module(List<Integer> shape, int rank) {
        public Module {
            shape = List.copyOf(shape);
        }
    }

    /**
     * The texts that an adapter is found by.
     *
     * @param encoder the {@link SentenceEncoder} that made vectors of them
     * @param count how many there were
     */
    public record Samples(String encoder, int count) {}
}
