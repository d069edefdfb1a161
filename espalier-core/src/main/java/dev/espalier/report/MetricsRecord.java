package dev.espalier.report;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A line of metrics.
 *
 * @param kind what it tells of: {@code allocation}, {@code stability}, {@code kernels}, {@code stage}, {@code train}, {@code validation}, {@code router},
 *     {@code similarity}, {@code rank}, {@code kept}, {@code profile}, {@code test} or {@code summary}
 * @param values by key; numbers, texts such as {@code task}, lists and maps
 */
public record MetricsRecord(String kind, int step, Map<String, ?> values) {
    /** The task or module that the line is about; empty if it is about the run. */
    public String subject() {
        return values.get("task") instanceof String task
                ? task
                : values.get("module") instanceof String module ? module : "";
    }

    /** The values that are single numbers. */
    public Map<String, Double> numbers() {
        Map<String, Double> numbers = new LinkedHashMap<>();
        values.forEach((key, value) -> {
            if (value instanceof Number number) {
                numbers.put(key, number.doubleValue());
            }
        });
        return numbers;
    }
}
