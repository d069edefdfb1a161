package dev.espalier.allocation;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How much each task's loss depends on each weight matrix: {@code S_t(m)}, the sum of the squared gradients of matrix m
 * over a sample of task t (arXiv 2505.06272). As a file it is JSON, {@code {task: {module: sensitivity}}}.
 *
 * @param tasks by task, then by module; every task has the same modules, in the order of the first
 */
public record Sensitivities(Map<String, Map<String, Double>> tasks) {
    /** Python writes NaN and Infinity, which are not JSON: they are read, so that the message can say where they are. */
    private static final JsonMapper MAPPER = Json.mapper()
            .rebuild()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /**
     * @throws InputException if there is no task or no module, if a value is negative or no finite number, or if the tasks
     *     have different modules
     */
    public Sensitivities {
        tasks = checked(tasks, "the sensitivities");
    }

    /**
     * Reads a file.
     *
     * @throws InputException if it is not such a file, or for what the constructor refuses
     */
    public static Sensitivities read(Path file) {
        var root = Json.read(MAPPER, file, JsonNode.class);
        if (!root.isObject()) {
            throw new InputException(file + " is not {task: {module: sensitivity}}; its top level is no object.");
        }
        Map<String, Map<String, Double>> tasks = new LinkedHashMap<>();
        root.properties().forEach(task -> {
            if (!task.getValue().isObject()) {
                throw new InputException(
                        file + ", task '" + task.getKey() + "': " + task.getValue() + " is not {module: sensitivity}.");
            }
            Map<String, Double> values = new LinkedHashMap<>();
            task.getValue().properties().forEach(module -> {
                if (!module.getValue().isNumber()) {
                    throw new InputException(file + ", task '" + task.getKey() + "', module '" + module.getKey()
                            + "': the sensitivity is " + module.getValue() + ", not a number.");
                }
                values.put(module.getKey(), module.getValue().doubleValue());
            });
            tasks.put(task.getKey(), values);
        });
        return new Sensitivities(checked(tasks, file.toString()));
    }

    /** The text of the file. */
    public String json() {
        return Json.pretty(tasks);
    }

    /** The modules, in order. */
    public List<String> modules() {
        return List.copyOf(tasks.values().iterator().next().keySet());
    }

    /** Whether no task depends on any module. */
    public boolean allZero() {
        return tasks.values().stream().flatMap(task -> task.values().stream()).allMatch(value -> value == 0);
    }

    /**
     * Those of one task.
     *
     * @throws InputException if there is no such task
     */
    public Sensitivities only(String task) {
        var values = tasks.get(task);
        if (values == null) {
            throw new InputException("The sensitivities of task '" + task + "' were not measured.");
        }
        return new Sensitivities(Map.of(task, values));
    }

    /**
     * The sensitivities of {@code task} to {@code modules}.
     *
     * @throws InputException if there is no such task or module
     */
    public double[] values(String task, List<String> modules) {
        var values = tasks.getOrDefault(task, Map.of());
        return modules.stream()
                .mapToDouble(module -> {
                    var value = values.get(module);
                    if (value == null) {
                        throw new InputException(
                                "The sensitivity of task '" + task + "' to '" + module + "' was not measured.");
                    }
                    return value;
                })
                .toArray();
    }

    private static Map<String, Map<String, Double>> checked(Map<String, Map<String, Double>> tasks, String where) {
        if (tasks.isEmpty()) {
            throw new InputException("There is no task in " + where + "; give {task: {module: sensitivity}}.");
        }
        var first = tasks.keySet().iterator().next();
        var modules = tasks.getOrDefault(first, Map.of()).keySet();
        if (modules.isEmpty()) {
            throw new InputException("Task '" + first + "' has no module in " + where + ".");
        }
        Map<String, Map<String, Double>> ordered = new LinkedHashMap<>();
        tasks.forEach((task, values) -> {
            for (var module : values.keySet()) {
                if (!modules.contains(module)) {
                    throw differs(where, task, first, module);
                }
            }
            Map<String, Double> ofTask = new LinkedHashMap<>();
            for (var module : modules) {
                var value = values.get(module);
                if (value == null) {
                    throw differs(where, first, task, module);
                }
                if (!(value >= 0) || value.isInfinite()) {
                    throw new InputException("Task '" + task + "', module '" + module + "' of " + where
                            + ": the sensitivity is " + value + "; it must be a finite number from 0 up, so measure it"
                            + " again.");
                }
                ofTask.put(module, value);
            }
            ordered.put(task, Collections.unmodifiableMap(ofTask));
        });
        return Collections.unmodifiableMap(ordered);
    }

    private static InputException differs(String where, String has, String lacks, String module) {
        return new InputException("The tasks of " + where + " are of different models: '" + has + "' has the module '"
                + module + "', '" + lacks + "' does not.");
    }
}
