package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.importance.SelectionScore;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Scores and what they choose: the fixture's masks, ties, and several matrices at once. */
class TopUnitsTest {
    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final SafetensorsFile fixture = Fixtures.tensors("sparse/sparse.safetensors");

    @AfterEach
    void free() {
        fixture.close();
        scope.close();
        guard.close();
    }

    private Tensor scores(SelectionScore score) {
        return score.of(new SelectionScore.Entries(
                fixture.tensor("W"),
                fixture.tensor("delta"),
                Optional.of(fixture.tensor("dense.grad_delta")),
                RandomStream.of(1)));
    }

    @ParameterizedTest
    @CsvSource({
        "SENSITIVITY, absolute",
        "SIGNED_SENSITIVITY, signed",
        "WEIGHT_SENSITIVITY, snip_full",
        "GRADIENT, gradient",
        "WEIGHT, weight",
        "MAGNITUDE, delta_magnitude"
    })
    void entriesAreScoredAndChosenAsInTheFixture(SelectionScore score, String name) {
        var scores = scores(score);
        Fixtures.assertClose(name, scores, fixture.tensor("score." + name), 1e-4, 2e-5);
        assertThat(chosen(SparseSpec.sparse(), Map.of("m", scores)).get("m"))
                .isEqualTo(places(fixture.tensor("mask." + name)))
                .hasSize(307);
    }

    @ParameterizedTest
    @CsvSource({
        "SENSITIVITY, block, absolute, .1, 1",
        "SIGNED_SENSITIVITY, block, signed, .1, 1",
        "SENSITIVITY, block_wide, absolute, .25, 3",
        "SIGNED_SENSITIVITY, block_wide, signed, .25, 3"
    })
    void blocksAreScoredAndChosenAsInTheFixture(
            SelectionScore score, String kind, String name, double ratio, int count) {
        var spec = SparseSpec.sparse().withBlockSize(16).withKeepRatio(ratio);
        var sums = TopUnits.perUnit(scores(score), 16).view(4, 3);
        Fixtures.assertClose(name, sums, fixture.tensor(kind + ".score." + name), 1e-4, 2e-5);
        assertThat(chosen(spec, Map.of("m", scores(score))).get("m"))
                .isEqualTo(places(fixture.tensor(kind + ".block_mask." + name)))
                .hasSize(count);
    }

    private static List<Long> places(Tensor mask) {
        var values = Fixtures.longs(mask);
        var places = new ArrayList<Long>();
        for (int i = 0; i < values.length; i++) {
            if (values[i] != 0) {
                places.add((long) i);
            }
        }
        return places;
    }

    private static Map<String, List<Long>> chosen(SparseSpec spec, Map<String, Tensor> scores) {
        Map<String, List<Integer>> shapes = new LinkedHashMap<>();
        scores.forEach((path, s) -> shapes.put(path, List.of((int) s.size(0), (int) s.size(1))));
        try (var top = new TopUnits(spec, shapes)) {
            scores.forEach(top::add);
            var chosen = new LinkedHashMap<String, List<Long>>();
            top.chosen().forEach((path, indices) -> {
                var list = new ArrayList<Long>();
                for (double index : Fixtures.doubles(indices)) {
                    list.add((long) index);
                }
                chosen.put(path, list);
            });
            return chosen;
        }
    }

    /** Where every score is the same, none at all or some number, no more win than there are places. */
    @ParameterizedTest
    @CsvSource({"0, 0", "3, 0", "0, 4", "3, 4"})
    void equalScoresDoNotAllWin(double value, int block) {
        var spec = SparseSpec.sparse().withBlockSize(block);
        var scores = torch.full(new long[] {8, 20}, new Scalar(value), Engine.options(ScalarType.Float));
        var chosen = chosen(spec, Map.of("m", scores)).getOrDefault("m", List.of());
        assertThat(chosen).hasSize(block == 0 ? 16 : 1).doesNotHaveDuplicates().isSorted();
    }

    /** Three matrices of unlike scale, of which the second would win all; also when that comes first or last. */
    @ParameterizedTest
    @EnumSource(SelectionScope.class)
    void amongAllMatricesTheBestWinWhereverTheyAre(SelectionScope scope) {
        for (var order : List.of("abc", "bca", "cab")) {
            var scores = new LinkedHashMap<String, Tensor>();
            for (var name : order.split("")) {
                scores.put(name, values(name));
            }
            for (boolean layerDrop : new boolean[] {false, true}) {
                var spec = SparseSpec.sparse().withKeepRatio(.3).choosing(SelectionScore.SENSITIVITY, scope, layerDrop);
                assertThat(chosen(spec, scores))
                        .as(order + " " + scope + " " + layerDrop)
                        .containsExactlyInAnyOrderEntriesOf(plain(scores, scope, layerDrop));
            }
        }
    }

    private static Tensor values(String name) {
        var random = new Random(name.charAt(0));
        int columns = name.equals("b") ? 6 : 5;
        var values = new float[4 * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() + (name.equals("b") ? .5f : name.equals("c") ? .3f : 0);
        }
        return FloatArrays.tensor(values, 4, columns);
    }

    private record Place(String matrix, long unit, double score) {}

    /** The same by sorting everything. */
    private static Map<String, List<Long>> plain(Map<String, Tensor> scores, SelectionScope scope, boolean layerDrop) {
        var all = new ArrayList<Place>();
        scores.forEach((name, tensor) -> {
            var values = Fixtures.doubles(tensor);
            for (int i = 0; i < values.length; i++) {
                all.add(new Place(name, i, values[i]));
            }
        });
        var best = all.stream()
                .sorted(Comparator.comparingDouble(Place::score).reversed())
                .limit((long) (.3 * all.size()))
                .toList();
        var chosen = new LinkedHashMap<String, List<Long>>();
        scores.forEach((name, tensor) -> {
            long own = (long) (.3 * tensor.numel());
            var won = best.stream().filter(place -> place.matrix.equals(name)).toList();
            var kept = scope == SelectionScope.GLOBAL
                    ? won
                    : all.stream()
                            .filter(place -> place.matrix.equals(name))
                            .sorted(Comparator.comparingDouble(Place::score).reversed())
                            .limit(own)
                            .toList();
            boolean dropped = layerDrop && won.size() < own;
            chosen.put(
                    name,
                    dropped
                            ? List.of()
                            : kept.stream().map(Place::unit).sorted().toList());
        });
        return chosen;
    }

    @Test
    void oneMatrixAloneIsNeverDropped() {
        var spec = SparseSpec.sparse().choosing(SelectionScore.SENSITIVITY, SelectionScope.MATRIX, true);
        assertThat(chosen(spec, Map.of("m", scores(SelectionScore.SENSITIVITY))).get("m"))
                .hasSize(307);
    }

    @Test
    void drawnScoresChooseOthersForEverySeed() {
        var first = chosen(SparseSpec.sparse(), Map.of("m", random(1)));
        assertThat(chosen(SparseSpec.sparse(), Map.of("m", random(1)))).isEqualTo(first);
        assertThat(chosen(SparseSpec.sparse(), Map.of("m", random(2)))).isNotEqualTo(first);
    }

    private Tensor random(long seed) {
        return SelectionScore.RANDOM.of(new SelectionScore.Entries(
                fixture.tensor("W"), fixture.tensor("delta"), Optional.empty(), RandomStream.of(seed)));
    }

    /** 8 of the diagonal, then whole columns: 0, 8, 4, 12 and so on. */
    @Test
    void structureIsTheDiagonalAndWholeColumns() {
        var nothing = FloatArrays.tensor(new float[8 * 16], 8, 16);
        var scores = SelectionScore.STRUCTURE.of(
                new SelectionScore.Entries(nothing, nothing, Optional.empty(), RandomStream.of(1)));
        var kept = chosen(SparseSpec.sparse().withKeepRatio(22.0 / 128), Map.of("m", scores))
                .getOrDefault("m", List.of());
        var wanted = new TreeSet<Long>();
        for (long row = 0; row < 8; row++) {
            wanted.add(row * 16 + row);
            wanted.add(row * 16);
            wanted.add(row * 16 + 8);
        }
        // The diagonal has an entry in column 0, so 8 + 7 + 7 of the 8 + 7 + 8.
        assertThat(wanted).containsAll(kept).hasSize(23);
        assertThat(kept).hasSize(22);
    }
}
