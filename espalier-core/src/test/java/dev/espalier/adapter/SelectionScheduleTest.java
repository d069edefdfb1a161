package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import dev.espalier.importance.SelectionScore;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a sparse adapter keeps, when, and what is left of the rest. */
class SelectionScheduleTest {
    private static final int STEPS = 20;
    private static final int EPOCH = 7;

    private static SparseSpec every(int steps, DensePhase phase) {
        return SparseSpec.sparse().withPlan(new SelectionPlan.InFirstEpoch(steps, false, phase));
    }

    /** The places of the {@code count} largest scores, in ascending order. */
    private static List<Integer> largest(double[] scores, long count) {
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]))
                .limit(count)
                .sorted()
                .toList();
    }

    private static List<Integer> kept(SparseDelta delta) {
        return Arrays.stream(doubles(delta.indices().value()))
                .mapToObj(i -> (int) i)
                .toList();
    }

    private static double[] products(Tensor a, Tensor b) {
        return doubles(a.mul(b).abs());
    }

    private static Tensor get(Map<String, Tensor> tensors, String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    @ParameterizedTest
    @EnumSource(DensePhase.class)
    void untilTheFirstSelectionWholeMatricesTrainAndThenTheBestByScoreAreKept(DensePhase phase) {
        try (var run = new SparseRun(every(3, phase), STEPS, EPOCH)) {
            run.steps(3);
            var gradients = run.weightGradients();
            var wholes = new LinkedHashMap<String, Tensor>();
            run.deltas().forEach((path, delta) -> {
                assertThat(doubles(SparseRun.change(delta))).containsOnly(0);
                var whole = SparseRun.whole(delta);
                // The key's bias aside nothing is without a gradient, so every entry has moved.
                assertThat(whole.abs().min().item_double()).isGreaterThan(0);
                wholes.put(path, whole);
            });
            run.beforeStep();
            run.deltas().forEach((path, delta) -> {
                var whole = get(wholes, path);
                assertThat(kept(delta)).isEqualTo(largest(products(whole, get(gradients, path)), whole.numel() / 10));
                assertThat(delta.kept()).isEqualTo(whole.numel() / 10);
                assertClose(path, delta.values().value(), delta.sparse().entriesOf(whole), 0, 0);
            });
        }
    }

    @Test
    void theFirstMomentsOfTheFactoredPhaseMoveEveryEntryByTheLearningRateOnAverage() {
        try (var run = new SparseRun(every(3, DensePhase.FACTORED), STEPS, EPOCH)) {
            run.steps(1);
            run.deltas().values().forEach(delta -> {
                var whole = SparseRun.whole(delta);
                double size = whole.norm().item_double() / Math.sqrt(whole.numel());
                assertThat(size).isBetween(.3 * SparseRun.RATE, 1.0001 * SparseRun.RATE);
            });
        }
    }

    @Test
    void betweenSelectionsTheRestWaitsAndMayBeChosenAgain() {
        try (var run = new SparseRun(every(3, DensePhase.FACTORED), STEPS, EPOCH)) {
            run.steps(4);
            var wholes = new LinkedHashMap<String, Tensor>();
            var first = new LinkedHashMap<String, List<Integer>>();
            run.deltas().forEach((path, delta) -> {
                wholes.put(path, SparseRun.whole(delta));
                first.put(path, kept(delta));
            });
            run.steps(2);
            run.deltas().forEach((path, delta) -> assertClose(path, SparseRun.whole(delta), get(wholes, path), 0, 0));
            var values = new LinkedHashMap<String, Tensor>();
            run.deltas().forEach((path, delta) -> values.put(path, SparseRun.change(delta)));
            var moments = moments(run);
            run.beforeStep();
            int changed = 0;
            for (var entry : run.deltas().entrySet()) {
                var path = entry.getKey();
                var delta = entry.getValue();
                var now = kept(delta);
                var before = Objects.requireNonNull(first.get(path));
                changed += (int) now.stream().filter(i -> !before.contains(i)).count();
                var whole = FloatArrays.of(get(wholes, path));
                var trained = FloatArrays.of(get(values, path));
                var value = FloatArrays.of(delta.values().value());
                var moment = FloatArrays.of(moment(run, delta));
                var momentBefore = Objects.requireNonNull(moments.get(path));
                for (int i = 0; i < now.size(); i++) {
                    int old = before.indexOf(now.get(i));
                    assertThat(value[i]).isEqualTo(old < 0 ? whole[now.get(i)] : trained[now.get(i)]);
                    assertThat(moment[i]).isEqualTo(old < 0 ? 0 : momentBefore[old]);
                }
            }
            assertThat(changed).as("entries that were not kept before").isPositive();
        }
    }

    private static Tensor moment(SparseRun run, SparseDelta delta) {
        return get(run.optimizer().state(), delta.values().name() + ".exp_avg");
    }

    private static Map<String, float[]> moments(SparseRun run) {
        var moments = new LinkedHashMap<String, float[]>();
        run.deltas().forEach((path, delta) -> moments.put(path, FloatArrays.of(moment(run, delta))));
        return moments;
    }

    @ParameterizedTest
    @CsvSource({"FACTORED, 0", "ADAMW, 0", "FACTORED, 16", "ADAMW, 16"})
    void afterTheLastSelectionNothingDenseIsLeft(DensePhase phase, int block) {
        try (var run = new SparseRun(every(3, phase).withBlockSize(block), STEPS, EPOCH)) {
            run.steps(EPOCH);
            assertThat(run.deltas().values()).allMatch(delta -> delta.whole().isPresent());
            run.beforeStep();
            assertThat(run.deltas().values()).allMatch(delta -> delta.whole().isEmpty());
            assertThat(run.schedule().state()).hasSize(1);
            assertThat(run.tiny().model().parameters().values().stream()
                            .filter(Parameter::trainable)
                            .map(Parameter::name))
                    .allMatch(name -> name.startsWith("classifier") || name.startsWith("bert.pooler"));
            var before = new LinkedHashMap<String, List<Integer>>();
            run.deltas().forEach((path, delta) -> before.put(path, kept(delta)));
            run.step();
            run.steps(STEPS - EPOCH - 1);
            run.deltas().forEach((path, delta) -> assertThat(kept(delta)).isEqualTo(before.get(path)));
            long weights = run.adapter().trainedWeights();
            long kept =
                    run.deltas().values().stream().mapToLong(SparseDelta::kept).sum();
            assertThat(weights).isEqualTo(kept);
        }
    }

    /** As the run's optimizer trained it: what is kept goes on with its moments and its count of steps. */
    @Test
    void keptEntriesTakeTheMomentsOfTheDensePhaseOfAdamWWithThem() {
        try (var run = new SparseRun(every(3, DensePhase.ADAMW), STEPS, EPOCH)) {
            run.steps(EPOCH);
            var state = run.optimizer().state();
            var wanted = new LinkedHashMap<String, Tensor>();
            run.deltas().forEach((path, delta) -> {
                var whole = delta.whole().orElseThrow();
                wanted.put(path, get(state, whole.name() + ".exp_avg_sq").clone());
                assertClose(path, delta.values().value(), delta.sparse().entriesOf(whole.value()), 0, 0);
            });
            run.beforeStep();
            run.deltas().forEach((path, delta) -> {
                var square = get(state, delta.values().name() + ".exp_avg_sq");
                assertClose(path, square, delta.sparse().entriesOf(get(wanted, path)), 0, 0);
                assertThat(get(state, delta.values().name() + ".step").item_double())
                        .isEqualTo(EPOCH);
            });
        }
    }

    @Test
    void whatIsDrawnDependsOnTheAdaptersSeed() {
        var spec = every(3, DensePhase.FACTORED).choosing(SelectionScore.RANDOM, SelectionScope.MATRIX, false);
        try (var run = new SparseRun(spec, STEPS, EPOCH);
                var again = new SparseRun(spec, STEPS, EPOCH);
                var other = new SparseRun(spec, STEPS, EPOCH, 2)) {
            for (var each : List.of(run, again, other)) {
                each.steps(3);
                each.beforeStep();
            }
            assertThat(allKept(again)).isEqualTo(allKept(run));
            assertThat(allKept(other)).isNotEqualTo(allKept(run));
        }
    }

    private static List<List<Integer>> allKept(SparseRun run) {
        return run.deltas().values().stream().map(SelectionScheduleTest::kept).toList();
    }

    @Test
    void onceMeansThatTheFirstSelectionIsTheLast() {
        var spec = SparseSpec.sparse().withPlan(new SelectionPlan.InFirstEpoch(3, true, DensePhase.FACTORED));
        try (var run = new SparseRun(spec, STEPS, EPOCH)) {
            run.steps(4);
            assertThat(run.schedule().state()).hasSize(1);
        }
    }

    /** Matrices of unlike sizes train on: gradients and moments follow them. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void acrossAllMatricesEachKeepsWhatItsScoresAreWorth(boolean layerDrop) {
        var spec = every(3, DensePhase.FACTORED).choosing(SelectionScore.SENSITIVITY, SelectionScope.GLOBAL, layerDrop);
        try (var run = new SparseRun(spec, STEPS, EPOCH)) {
            run.steps(EPOCH + 3);
            var counts = run.deltas().values().stream()
                    .map(SparseDelta::kept)
                    .distinct()
                    .toList();
            assertThat(counts).hasSizeGreaterThan(1);
            long all =
                    run.deltas().values().stream().mapToLong(SparseDelta::size).sum();
            long kept =
                    run.deltas().values().stream().mapToLong(SparseDelta::kept).sum();
            if (layerDrop) {
                assertThat(kept).isLessThan(all / 10).isPositive();
                assertThat(run.deltas().values()).anyMatch(delta -> delta.kept() == 0);
            } else {
                assertThat(kept).isEqualTo(all / 10);
            }
            run.deltas().values().forEach(delta -> assertThat(moment(run, delta).numel())
                    .isEqualTo(delta.kept()));
        }
    }

    @Test
    void rewoundEntriesAreThoseThatMovedMostAndBeginAtZero() {
        try (var run = new SparseRun(SparseSpec.ltSft(), STEPS, EPOCH)) {
            run.steps(STEPS / 2);
            var wholes = new LinkedHashMap<String, Tensor>();
            run.deltas().forEach((path, delta) -> wholes.put(path, SparseRun.whole(delta)));
            run.beforeStep();
            run.deltas().forEach((path, delta) -> {
                var whole = get(wholes, path);
                assertThat(kept(delta)).isEqualTo(largest(doubles(whole.abs()), whole.numel() / 10));
                assertThat(FloatArrays.of(delta.values().value())).containsOnly(0);
                assertThat(FloatArrays.of(moment(run, delta))).containsOnly(0);
            });
            run.step();
            run.deltas().values().forEach(delta -> assertThat(
                            delta.values().value().abs().min().item_double())
                    .isGreaterThan(0));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SelectionScore.class,
            names = {"GRADIENT", "WEIGHT_SENSITIVITY"})
    void shiraMayLookAtTheGradientsOfTheFirstStep(SelectionScore score) {
        var spec = SparseSpec.shira().withRank(2).choosing(score, SelectionScope.MATRIX, false);
        try (var run = new SparseRun(spec, STEPS, EPOCH)) {
            var gradients = run.weightGradients();
            run.beforeStep();
            run.deltas().forEach((path, delta) -> {
                var linear = delta.linear();
                var gradient = get(gradients, path);
                var scores = score == SelectionScore.GRADIENT
                        ? doubles(gradient.abs())
                        : products(gradient, linear.matrix());
                assertThat(kept(delta)).isEqualTo(largest(scores, 2L * (64 + 64)));
                assertThat(FloatArrays.of(delta.values().value())).containsOnly(0);
            });
        }
    }

    @Test
    void shiraWithoutGradientsNeedsNoSchedule() {
        try (var tiny = new TinyModel();
                var adapter = Adapter.create(
                        "a",
                        SparseSpec.shira().withRank(2).choosing(SelectionScore.WEIGHT, SelectionScope.MATRIX, false),
                        tiny.model(),
                        RandomStream.of(1))) {
            assertThat(adapter.startTraining(STEPS)).isEmpty();
            adapter.deltas().values().forEach(each -> {
                var delta = (SparseDelta) each;
                var matrix = delta.linear().matrix();
                assertThat(kept(delta)).isEqualTo(largest(doubles(matrix.abs()), 2L * (64 + 64)));
            });
        }
    }

    /** Backward hands over one matrix's gradient after another, and the one before is gone. */
    @Test
    void noTwoGradientsOfWholeMatricesLiveAtATime() {
        try (var run = new SparseRun(every(3, DensePhase.FACTORED), STEPS, EPOCH)) {
            var seen = new ArrayList<Tensor>();
            run.watch(sink -> (parameter, gradient) -> {
                sink.add(parameter, gradient);
                if (gradient.dim() == 2) {
                    assertThat(seen).allMatch(before -> before.isNull());
                    seen.add(gradient);
                }
            });
            run.steps(4); // three with whole matrices, the look before the fourth
            assertThat(seen).hasSizeGreaterThanOrEqualTo(4 * run.deltas().size());
        }
    }

    @Test
    void beforeTheFirstSelectionTheLargestChangesAreWhatIsJudgedAndSaved() {
        try (var run = new SparseRun(every(5, DensePhase.FACTORED), STEPS, EPOCH);
                var other = new SparseRun(every(5, DensePhase.FACTORED), STEPS, EPOCH)) {
            run.steps(2);
            other.steps(2);
            run.schedule().settle();
            run.deltas().forEach((path, delta) -> {
                var whole = SparseRun.whole(delta);
                assertThat(kept(delta)).isEqualTo(largest(doubles(whole.abs()), whole.numel() / 10));
            });
            assertThat(run.tiny().logits()).isNotEqualTo(other.tiny().logits());
            // It changes nothing of what is trained.
            run.steps(6);
            other.steps(6);
            run.schedule().settle();
            assertThat(run.tiny().logits()).isEqualTo(other.tiny().logits());
        }
    }

    @Test
    void aRunWithoutRoomForASelectionIsRefused() {
        for (var spec : List.of(SparseSpec.sparse(), SparseSpec.ltSft(), SparseSpec.spiel())) {
            assertThatThrownBy(() -> new SparseRun(spec, 1, 1))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("A run of 1 step has no room for choosing");
        }
    }
}
