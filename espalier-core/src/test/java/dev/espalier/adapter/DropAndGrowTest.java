package dev.espalier.adapter;

import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.tensor.FloatArrays;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/** SpIEL: the smallest go, and where the gradient is largest others come. */
class DropAndGrowTest {
    private static final int STEPS = 12;
    private static final SparseSpec SPEC =
            SparseSpec.spiel().withKeepRatio(.05).withPlan(new SelectionPlan.DropAndGrow(4, .5));

    /** What is known of a kept entry. */
    private record Kept(float value, float moment) {}

    private static Map<Integer, Kept> kept(SparseRun run, SparseDelta delta) {
        var kept = new LinkedHashMap<Integer, Kept>();
        var places = doubles(delta.indices().value());
        var values = FloatArrays.of(delta.values().value());
        var moments = FloatArrays.of(Objects.requireNonNull(
                run.optimizer().state().get(delta.values().name() + ".exp_avg")));
        for (int i = 0; i < places.length; i++) {
            kept.put((int) places[i], new Kept(values[i], moments[i]));
        }
        return kept;
    }

    private static List<Integer> byGradient(Tensor gradient) {
        var sizes = doubles(gradient.abs());
        return IntStream.range(0, sizes.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -sizes[i]))
                .toList();
    }

    @Test
    void atFirstTheLargestGradientsAreChosenAndNothingDrawnIsLeft() {
        try (var run = new SparseRun(SPEC, STEPS, STEPS)) {
            var gradients = run.weightGradients();
            run.beforeStep();
            run.deltas().forEach((path, delta) -> {
                var order = byGradient(Objects.requireNonNull(gradients.get(path)));
                int count = (int) (delta.size() * .05);
                assertThat(kept(run, delta).keySet()).isEqualTo(new HashSet<>(order.subList(0, count)));
            });
        }
    }

    @Test
    void laterTheSmallestAreReplacedLessAndLess() {
        try (var run = new SparseRun(SPEC, STEPS, STEPS)) {
            run.steps(4);
            replaces(run, 4);
            run.step();
            run.steps(3);
            replaces(run, 8);
        }
    }

    private static void replaces(SparseRun run, int step) {
        var gradients = run.weightGradients();
        var before = new LinkedHashMap<String, Map<Integer, Kept>>();
        run.deltas().forEach((path, delta) -> before.put(path, kept(run, delta)));
        run.beforeStep();
        run.deltas().forEach((path, delta) -> {
            var old = Objects.requireNonNull(before.get(path));
            var now = kept(run, delta);
            long dropped = Math.round(.5 * (1 - (double) step / STEPS) * old.size());
            var bySize = new ArrayList<>(old.keySet());
            bySize.sort(Comparator.comparingDouble(
                    (Integer place) -> -Math.abs(Objects.requireNonNull(old.get(place)).value)));
            var stay = bySize.subList(0, (int) (old.size() - dropped));
            var grown = byGradient(Objects.requireNonNull(gradients.get(path))).stream()
                    .filter(place -> !stay.contains(place))
                    .limit(dropped)
                    .toList();
            assertThat(dropped).isPositive();
            assertThat(now).hasSize(old.size());
            assertThat(stay).allSatisfy(place -> assertThat(now.get(place)).isEqualTo(old.get(place)));
            assertThat(grown).allSatisfy(place -> assertThat(now.get(place)).isEqualTo(new Kept(0, 0)));
            var places = doubles(delta.indices().value());
            assertThat(places).isEqualTo(Arrays.stream(places).sorted().toArray());
        });
    }

    @Test
    void blocksAreDroppedAndGrownAsAWhole() {
        try (var run = new SparseRun(SPEC.withBlockSize(8).withKeepRatio(.2), STEPS, STEPS)) {
            run.steps(4);
            var before = new LinkedHashMap<String, double[]>();
            run.deltas()
                    .forEach((path, delta) ->
                            before.put(path, doubles(delta.indices().value())));
            run.beforeStep();
            assertThat(run.deltas().entrySet().stream()
                            .filter(entry -> !Arrays.equals(
                                    before.get(entry.getKey()),
                                    doubles(entry.getValue().indices().value()))))
                    .isNotEmpty();
            run.step();
            run.deltas().values().forEach(delta -> assertThat(delta.kept()).isEqualTo(12 * 64));
        }
    }
}
