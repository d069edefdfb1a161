package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class PercentileRuleTest {
    private static final Sensitivities MEASURED = Sensitivities.read(Fixtures.path("allocation/sensitivities.json"));

    @ParameterizedTest
    @CsvSource({
        "attention_joint, ATTENTION",
        "attention_joint_with_ties, ATTENTION",
        "per_type, TYPE",
        "per_type_with_ties, TYPE",
        "all_joint, ALL",
        "all_joint_with_ties, ALL"
    })
    void countsAndThresholdsAreThePapers(String name, Grouping grouping) {
        var expected =
                Json.read(Fixtures.path("allocation/expected_experts.json")).get(name);
        var rule = new PercentileRule(expected.get("p").doubleValue(), grouping);
        var sensitivities = tasks(expected.get("tasks"));

        var allocation = rule.allocate(sensitivities);

        assertThat(allocation.modules()).isEqualTo(sensitivities.modules());
        assertThat(allocation.counts()).isEqualTo(integers(expected.get("experts")));
        assertThat(allocation.total()).isEqualTo(expected.get("total").longValue());
        var thresholds = rule.thresholds(sensitivities);
        expected.get("thresholds").properties().forEach(task -> {
            var found = thresholds.getOrDefault(task.getKey(), Map.of());
            assertThat(found).hasSameSizeAs(task.getValue().propertyNames());
            task.getValue().properties().forEach(group -> assertThat(found.get(nameOf(group.getKey(), found.keySet())))
                    .as(task.getKey() + ", " + group.getKey())
                    .isCloseTo(group.getValue().doubleValue(), within(1e-12)));
        });
    }

    /** The fixture calls types by the last part of their path. */
    private static String nameOf(String group, Set<String> names) {
        return names.stream()
                .filter(name -> name.equals(group) || name.endsWith("." + group))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void ofEqualSensitivitiesNoneIsAboveTheThreshold() {
        var equal = new Sensitivities(Map.of("task", new LinkedHashMap<>(Map.of("a.0.x", 2.0, "a.1.x", 2.0))));

        assertThat(new PercentileRule(60, Grouping.ALL).allocate(equal).total()).isZero();
    }

    @Test
    void percentOfZeroKeepsNoneAndAHundredLeavesTheLeastSensitiveOut() {
        var task = new Sensitivities(
                Map.of("task", new LinkedHashMap<>(Map.of("a.0.x", 1.0, "a.1.x", 2.0, "a.2.x", 3.0))));

        assertThat(new PercentileRule(0, Grouping.ALL).allocate(task).total()).isZero();
        assertThat(new PercentileRule(100, Grouping.ALL).allocate(task).counts())
                .isEqualTo(Map.of("a.0.x", 0, "a.1.x", 1, "a.2.x", 1));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 100.1, Double.NaN})
    void aPercentageOutsideOf0To100IsRefused(double keep) {
        assertThatThrownBy(() -> new PercentileRule(keep, Grouping.ALL))
                .isInstanceOf(InputException.class)
                .hasMessage("The percentage of matrices to keep must be between 0 and 100, not " + keep + ".");
    }

    private static Sensitivities tasks(JsonNode names) {
        Map<String, Map<String, Double>> tasks = new LinkedHashMap<>();
        names.forEach(name -> tasks.put(name.stringValue(), MEASURED.tasks().get(name.stringValue())));
        return new Sensitivities(tasks);
    }

    private static Map<String, Integer> integers(JsonNode object) {
        Map<String, Integer> integers = new LinkedHashMap<>();
        object.properties()
                .forEach(entry -> integers.put(entry.getKey(), entry.getValue().intValue()));
        return integers;
    }
}
