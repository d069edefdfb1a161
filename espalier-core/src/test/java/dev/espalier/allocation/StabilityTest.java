package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StabilityTest {
    @Test
    void setsChosenByTwoMeasurementsAreComparedTaskByTask() {
        var whole = Matrices.of(sensitivities(Map.of(
                "same", new double[] {4, 3, 2, 1},
                "half", new double[] {4, 3, 2, 1},
                "other", new double[] {4, 3, 2, 1})));
        var part = sensitivities(Map.of(
                "same", new double[] {7, 9, 1, 1},
                "half", new double[] {9, 1, 7, 1},
                "other", new double[] {1, 1, 7, 9}));

        var stability = Stability.of(new PercentileRule(50, Grouping.ALL), whole, part);

        assertThat(stability).containsEntry("same", new Stability(2, 2, 2));
        assertThat(stability).containsEntry("half", new Stability(2, 1, 3));
        assertThat(stability).containsEntry("other", new Stability(2, 0, 4));
        assertThat(stability.values().stream().mapToDouble(Stability::overlap))
                .containsExactlyInAnyOrder(1.0, 0.5, 0.0);
        assertThat(stability.values().stream().mapToDouble(Stability::jaccard))
                .containsExactlyInAnyOrder(1.0, 1.0 / 3, 0.0);
        assertThat(Stability.of(new PercentileRule(50, Grouping.ALL), whole, part.only("half")))
                .containsOnlyKeys("half");
        assertThat(new Stability(0, 0, 0).overlap()).isEqualTo(1);
        assertThat(new Stability(0, 0, 0).jaccard()).isEqualTo(1);
    }

    private static Sensitivities sensitivities(Map<String, double[]> tasks) {
        Map<String, Map<String, Double>> byTask = new LinkedHashMap<>();
        tasks.forEach((task, values) -> {
            Map<String, Double> byModule = new LinkedHashMap<>();
            for (int i = 0; i < values.length; i++) {
                byModule.put("h." + i + ".x", values[i]);
            }
            byTask.put(task, byModule);
        });
        return new Sensitivities(byTask);
    }
}
