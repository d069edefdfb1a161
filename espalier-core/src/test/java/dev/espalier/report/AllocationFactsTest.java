package dev.espalier.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.allocation.Allocation;
import dev.espalier.allocation.Stability;
import dev.espalier.allocation.WeightComparison;
import dev.espalier.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class AllocationFactsTest {
    private static AllocationFacts facts() {
        Map<String, Integer> rows = new LinkedHashMap<>();
        rows.put("many", 8);
        rows.put("one", 1);
        return new AllocationFacts(
                Optional.of(new WeightComparison(1234, 8, 5678, 3, 9000)),
                rows,
                Map.of("many", new Stability(4, 3, 6)),
                OptionalDouble.of(1234.4));
    }

    @Test
    void sentencesHaveAllThatIsKnown() {
        var allocation = new Allocation(Map.of("h.0.q", 3, "h.1.q", 0));

        assertThat(facts().sentences(allocation, "experts"))
                .containsExactly(
                        "3 experts in 1 of 2 matrices.",
                        "Trained weights: 1,234.",
                        "LoRA of rank 8 on the group: 5,678.",
                        "Uniform, with 3 for every matrix of the group: 9,000.",
                        "Task many, 8 rows: 3 of its 4 matrices are chosen by half of them too (overlap 0.75, Jaccard index 0.50).",
                        "Task one, 1 row: too few to tell how stable the choice is.",
                        "Peak memory of measuring: 1,234 MB.");
        assertThat(AllocationFacts.NONE.sentences(allocation, "ranks")).containsExactly("3 ranks in 1 of 2 matrices.");
    }

    @Test
    void linesOfMetricsAreReadBack() {
        var reader = new AllocationFacts.Reader();
        var format = new JsonLines();
        facts().records().stream()
                .map(record -> new String(format.bytes(record), StandardCharsets.UTF_8))
                .forEach(line -> reader.add(Json.mapper().readTree(line)));

        assertThat(reader.facts()).isEqualTo(facts());
        assertThat(AllocationFacts.NONE.records()).isEmpty();
    }
}
