package dev.espalier.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.allocation.ProportionalRule.Bounds;
import dev.espalier.allocation.ProportionalRule.Budget;
import dev.espalier.error.InputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProportionalRuleTest {
    private static final Sensitivities MEASURED = Sensitivities.read(Fixtures.path("allocation/sensitivities.json"));

    @Test
    void theLargestRemaindersGetWhatIsLeft() {
        // Quotas of 10: 4.7, 3.1, 1.6, 0.6.
        assertThat(allocate(10, Bounds.NONE, 47, 31, 16, 6)).containsExactly(5, 3, 2, 0);
    }

    @Test
    void tiesGoToTheMatrixThatIsFirst() {
        assertThat(allocate(5, Bounds.NONE, 1, 1, 1)).containsExactly(2, 2, 1);
    }

    @Test
    void whatTheMaximumCutsOffGoesToTheOthersInProportion() {
        // 8 of the 12 are the first one's; at most 5, so 7 are left for 3 : 1.
        assertThat(allocate(12, new Bounds(0, OptionalInt.of(5)), 8, 3, 1)).containsExactly(5, 5, 2);
    }

    @Test
    void whatTheMinimumTakesIsTakenFromTheOthersInProportion() {
        assertThat(allocate(10, new Bounds(2, OptionalInt.empty()), 90, 10, 0)).containsExactly(6, 2, 2);
    }

    @Test
    void aMatrixOfSensitivityZeroGetsNoMoreThanTheMinimum() {
        assertThat(allocate(9, new Bounds(1, OptionalInt.of(3)), 1, 1, 0)).containsExactly(3, 3, 1);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void quotasBetweenBoundsAreWhatHalvingFinds(long seed) {
        var random = new Random(seed);
        var shares = random.doubles(30).map(value -> Math.pow(value, 6)).toArray();
        var bounds = new Bounds(1, OptionalInt.of(7));
        for (int total = 30; total <= 210; total += 15) {
            var numbers = Apportionment.share(shares, bounds, total);

            double low = 0;
            double high = 1e40;
            for (int i = 0; i < 300; i++) {
                double middle = (low + high) / 2;
                double sum = Arrays.stream(shares)
                        .map(s -> Math.max(1, Math.min(7, s * middle)))
                        .sum();
                low = sum <= total ? middle : low;
                high = sum <= total ? high : middle;
            }
            double lambda = low;
            assertThat(Arrays.stream(numbers).sum()).isEqualTo(total);
            assertThat(IntStream.range(0, shares.length)
                            .mapToDouble(i -> Math.abs(numbers[i] - Math.max(1, Math.min(7, shares[i] * lambda))))
                            .max()
                            .orElseThrow())
                    .isLessThan(1);
            assertThat(Arrays.stream(numbers)).allMatch(number -> number >= 1 && number <= 7);
        }
    }

    @Test
    void aTaskWithLargerLossesCountsNoMore() {
        var scaled = new LinkedHashMap<>(MEASURED.tasks());
        scaled.computeIfPresent("task0", (task, values) -> scaled(values, 1024));
        var rule = new ProportionalRule(new Budget.Experts(100), Bounds.NONE, Grouping.ALL);

        assertThat(rule.allocate(new Sensitivities(scaled))).isEqualTo(rule.allocate(MEASURED));
        assertThat(rule.allocate(MEASURED).total()).isEqualTo(100);
    }

    @Test
    void onlyMatricesOfTheGroupGetAShare() {
        var rule = new ProportionalRule(new Budget.Experts(60), Bounds.NONE, Grouping.ATTENTION);
        var allocation = rule.allocate(MEASURED);

        assertThat(allocation.total()).isEqualTo(60);
        assertThat(allocation.chosen()).allMatch(module -> module.contains("self_attn"));
        assertThat(allocation.modules()).hasSize(42);
    }

    @Test
    void aBudgetInWeightsIsUsedAsFarAsTheNextExpertDoesNotFit() {
        var shapes = shapes();
        var cost = Cost.sharedExperts(4);
        long budget = 200_000;
        var allocation = new ProportionalRule(new Budget.Weights(budget, cost), Bounds.NONE, Grouping.ALL)
                .allocate(MEASURED, shapes);
        var oneMore = new ProportionalRule(new Budget.Experts(allocation.total() + 1), Bounds.NONE, Grouping.ALL)
                .allocate(MEASURED, shapes);

        assertThat(new ProportionalRule(new Budget.Experts(allocation.total()), Bounds.NONE, Grouping.ALL)
                        .allocate(MEASURED))
                .isEqualTo(allocation);
        assertThat(cost.total(allocation, shapes)).isLessThanOrEqualTo(budget).isGreaterThan(budget * 9 / 10);
        assertThat(cost.total(oneMore, shapes)).isGreaterThan(budget);
    }

    @Test
    void costsAreThoseOfTheMethods() {
        var shape = new MatrixShape(30, 20);

        assertThat(IntStream.range(0, 4).mapToLong(n -> Cost.sharedExperts(8).weights(shape, n)))
                .containsExactly(0L, 8L * 20 + 8 * 30, 8L * 20 + 2 * 8 * 30 + 2 * 20, 8L * 20 + 3 * 8 * 30 + 3 * 20);
        assertThat(IntStream.range(0, 3).mapToLong(n -> Cost.separateExperts(8).weights(shape, n)))
                .containsExactly(0L, 8L * 50, 2L * 8 * 50 + 2 * 20);
        assertThat(IntStream.range(0, 3).mapToLong(n -> Cost.ranks().weights(shape, n)))
                .containsExactly(0L, 50L, 100L);
    }

    @Test
    void budgetsThatDoNotFitAreRefused() {
        var least = new Bounds(2, OptionalInt.of(3));

        assertRefused(
                new Budget.Experts(83),
                least,
                "The budget of 83 is smaller than the 84 that the minimum of 2 for each of 42 matrices takes.");
        assertRefused(
                new Budget.Experts(127),
                least,
                "The budget of 127 is greater than 42 matrices can take at a maximum of 3 each.");
        assertRefused(
                new Budget.Weights(1000, Cost.ranks()),
                least,
                "The budget of 1000 trained weights is smaller than the 26880 that the minimum of 2 for each of 42 matrices takes.");
        assertThatThrownBy(() -> new Bounds(3, OptionalInt.of(2)))
                .isInstanceOf(InputException.class)
                .hasMessage("The maximum for a matrix, 2, is smaller than the minimum, 3.");
        assertThatThrownBy(() -> new ProportionalRule(new Budget.Weights(1000, Cost.ranks()), Bounds.NONE, Grouping.ALL)
                        .allocate(MEASURED))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("shape of 'model.layers.0.mlp.down_proj' is not known");
        assertThatThrownBy(() -> allocate(5, Bounds.NONE, 0, 0))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("Task 'task' is sensitive to none of the 2 matrices")
                .hasMessageContaining("measure on other rows");
    }

    private static void assertRefused(Budget budget, Bounds bounds, String sentence) {
        assertThatThrownBy(() -> new ProportionalRule(budget, bounds, Grouping.ALL).allocate(MEASURED, shapes()))
                .isInstanceOf(InputException.class)
                .hasMessage(sentence);
    }

    /** What matrices of these sensitivities get, in order. */
    private static Iterable<Integer> allocate(long total, Bounds bounds, double... values) {
        Map<String, Double> task = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            task.put("h." + i + ".x", values[i]);
        }
        return new ProportionalRule(new Budget.Experts(total), bounds, Grouping.ALL)
                .allocate(new Sensitivities(Map.of("task", task)))
                .counts()
                .values();
    }

    private static Map<String, Double> scaled(Map<String, Double> values, double factor) {
        Map<String, Double> scaled = new LinkedHashMap<>(values);
        scaled.replaceAll((module, value) -> value * factor);
        return scaled;
    }

    private static Map<String, MatrixShape> shapes() {
        Map<String, MatrixShape> shapes = new LinkedHashMap<>();
        MEASURED.modules()
                .forEach(module -> shapes.put(
                        module, module.contains("mlp") ? new MatrixShape(240, 80) : new MatrixShape(160, 160)));
        return shapes;
    }
}
