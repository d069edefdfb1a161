package dev.espalier.allocation;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How many experts each weight matrix gets, or which rank; 0 where it gets no adapter. As a file it is JSON,
 * {@code {module: experts}}, with every module that could get some.
 *
 * @param counts by module, in order
 */
public record Allocation(Map<String, Integer> counts) {
    private static final JsonMapper MAPPER = Json.mapper()
            .rebuild()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** @throws InputException if there is no module, or if a count is negative */
    public Allocation {
        counts = Collections.unmodifiableMap(new LinkedHashMap<>(counts));
        if (counts.isEmpty()) {
            throw new InputException("The allocation has no module; give {module: experts}.");
        }
        counts.forEach((module, count) -> {
            if (count < 0) {
                throw new InputException("The allocation gives module '" + module + "' " + count
                        + " experts; it must be a number from 0 up.");
            }
        });
    }

    /**
     * Reads a file.
     *
     * @throws InputException if it is not such a file, or for what the constructor refuses
     */
    public static Allocation read(Path file) {
        var root = Json.read(MAPPER, file, JsonNode.class);
        if (!root.isObject() || root.isEmpty()) {
            throw new InputException(file + " is not {module: experts}; it names no module.");
        }
        Map<String, Integer> counts = new LinkedHashMap<>();
        root.properties().forEach(entry -> {
            var value = entry.getValue();
            if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
                throw new InputException(
                        file + ", module '" + entry.getKey() + "': " + value + " is not a whole number from 0 up.");
            }
            counts.put(entry.getKey(), value.intValue());
        });
        return new Allocation(counts);
    }

    /** The text of the file. */
    public String json() {
        return Json.pretty(counts);
    }

    /** The modules, in order, those that get nothing too. */
    public List<String> modules() {
        return List.copyOf(counts.keySet());
    }

    /** The modules that get something, in order. */
    public List<String> chosen() {
        return counts.entrySet().stream()
                .filter(entry -> entry.getValue() > 0)
                .map(Map.Entry::getKey)
                .toList();
    }

    /**
     * What {@code module} gets.
     *
     * @throws InputException if the allocation does not name it
     */
    public int count(String module) {
        var count = counts.get(module);
        if (count == null) {
            throw new InputException("The allocation does not name the module '" + module + "'.");
        }
        return count;
    }

    /** The sum of the counts. */
    public long total() {
        return counts.values().stream().mapToLong(Integer::longValue).sum();
    }

    /** The largest count. */
    public int largest() {
        return Collections.max(counts.values());
    }

    /**
     * Makes sure that this allocation is for a model with {@code modules}, in any order.
     *
     * @throws InputException if it is not; names the first module that differs
     */
    public void requireFor(Collection<String> modules) {
        for (var module : counts.keySet()) {
            if (!modules.contains(module)) {
                throw new InputException("The allocation is for another model: it names '" + module
                        + "', which is not among the " + modules.size() + " matrices here.");
            }
        }
        for (var module : modules) {
            if (!counts.containsKey(module)) {
                throw new InputException("The allocation is for another model: it does not name '" + module
                        + "'; list every matrix, those that get nothing with 0.");
            }
        }
    }
}
