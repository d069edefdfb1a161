package dev.espalier.report;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Stability;
import dev.espalier.allocation.WeightComparison;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;

/**
 * What is known of an allocation beside its numbers.
 *
 * @param weights it trains; empty where shapes are not known
 * @param rows that were measured for it, by task; none where nothing was measured
 * @param stability of the choice by task, without tasks whose rows are too few to tell
 * @param probeMegabytes the most memory of the process while measuring, in 1,000,000 bytes
 */
public record AllocationFacts(
        Optional<WeightComparison> weights,
        Map<String, Integer> rows,
        Map<String, Stability> stability,
        OptionalDouble probeMegabytes) {
    /** Nothing is known. */
    public static final AllocationFacts NONE =
            new AllocationFacts(Optional.empty(), Map.of(), Map.of(), OptionalDouble.empty());

    private static final String ALLOCATION = "allocation";
    private static final String STABILITY = "stability";

    /**
     * In sentences, totals first.
     *
     * @param counted what is allocated, such as {@code experts}
     */
    public List<String> sentences(Allocation allocation, String counted) {
        List<String> sentences = new ArrayList<>();
        sentences.add(Figures.count(allocation.total()) + " " + counted + " in "
                + allocation.chosen().size() + " of " + allocation.modules().size() + " matrices.");
        weights.ifPresent(compared -> {
            sentences.add("Trained weights: " + Figures.count(compared.trained()) + ".");
            sentences.add(
                    "LoRA of rank " + compared.loraRank() + " on the group: " + Figures.count(compared.lora()) + ".");
            sentences.add("Uniform, with " + compared.uniformCount() + " for every matrix of the group: "
                    + Figures.count(compared.uniform()) + ".");
        });
        rows.forEach((task, count) -> sentences.add("Task " + task + ", " + count + (count == 1 ? " row: " : " rows: ")
                + Optional.ofNullable(stability.get(task))
                        .map(AllocationFacts::sentence)
                        .orElse("too few to tell how stable the choice is.")));
        probeMegabytes.ifPresent(
                peak -> sentences.add("Peak memory of measuring: " + Figures.count(Math.round(peak)) + " MB."));
        return sentences;
    }

    private static String sentence(Stability task) {
        return String.format(
                Locale.ROOT,
                "%d of its %d matrices are chosen by half of them too (overlap %.2f, Jaccard index %.2f).",
                task.common(),
                task.chosen(),
                task.overlap(),
                task.jaccard());
    }

    /** As lines of a run's metrics: one of the allocation, one for each task that was measured. */
    public List<MetricsRecord> records() {
        List<MetricsRecord> records = new ArrayList<>();
        Map<String, Object> line = new LinkedHashMap<>();
        weights.ifPresent(compared -> {
            line.put("trained_weights", compared.trained());
            line.put("lora_rank", compared.loraRank());
            line.put("lora_weights", compared.lora());
            line.put("uniform_count", compared.uniformCount());
            line.put("uniform_weights", compared.uniform());
        });
        probeMegabytes.ifPresent(peak -> line.put("probe_memory_mb", peak));
        if (!line.isEmpty()) {
            records.add(new MetricsRecord(ALLOCATION, 0, line));
        }
        rows.forEach((task, count) -> records.add(new MetricsRecord(STABILITY, 0, line(task, count))));
        return records;
    }

    private Map<String, Object> line(String task, int count) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("task", task);
        line.put("rows", count);
        Optional.ofNullable(stability.get(task)).ifPresent(known -> {
            line.put("chosen", known.chosen());
            line.put("common", known.common());
            line.put("either", known.either());
            line.put("overlap", known.overlap());
            line.put("jaccard", known.jaccard());
        });
        return line;
    }

    /** Gathers what {@link #records} wrote. */
    static final class Reader {
        private Optional<WeightComparison> weights = Optional.empty();
        private OptionalDouble probeMegabytes = OptionalDouble.empty();
        private final Map<String, Integer> rows = new LinkedHashMap<>();
        private final Map<String, Stability> stability = new LinkedHashMap<>();

        void add(JsonNode line) {
            if (line.path("kind").asString("").equals(ALLOCATION)) {
                if (line.has("trained_weights")) {
                    weights = Optional.of(new WeightComparison(
                            line.path("trained_weights").asLong(0),
                            line.path("lora_rank").asInt(0),
                            line.path("lora_weights").asLong(0),
                            line.path("uniform_count").asInt(0),
                            line.path("uniform_weights").asLong(0)));
                }
                if (line.has("probe_memory_mb")) {
                    probeMegabytes =
                            OptionalDouble.of(line.path("probe_memory_mb").asDouble(0));
                }
                return;
            }
            var task = line.path("task").asString("");
            rows.put(task, line.path("rows").asInt(0));
            if (line.has("chosen")) {
                stability.put(
                        task,
                        new Stability(
                                line.path("chosen").asInt(0),
                                line.path("common").asInt(0),
                                line.path("either").asInt(0)));
            }
        }

        AllocationFacts facts() {
            return new AllocationFacts(weights, rows, stability, probeMegabytes);
        }
    }
}
