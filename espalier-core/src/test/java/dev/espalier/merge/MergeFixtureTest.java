package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.adapter.DeltaSource;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every merge of the fixtures that works on changes; {@link PeftMergeFixtureTest} has PEFT's. */
@SuppressWarnings("NullAway.Init") // each test opens its set first
class MergeFixtureTest {
    private static final double RTOL = 1e-5;
    private static final double ATOL = 1e-6;
    private static final List<Double> WEIGHTS = List.of(.5, .3, .7);

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final List<SafetensorsFile> open = new ArrayList<>();
    private final Set<String> checked = new LinkedHashSet<>();
    private SafetensorsFile expected;
    private SafetensorsFile masks;
    private List<MemoryDeltas> deltas;

    private void open(String set) {
        boolean dense = set.equals("dense");
        expected = tensors(set, "expected_delta");
        masks = tensors(set, dense ? "inputs" : "masks");
        var inputs = dense ? masks : tensors(set, "deltas");
        deltas = IntStream.range(0, 3).mapToObj(i -> deltas(i, inputs)).toList();
    }

    private SafetensorsFile tensors(String set, String name) {
        var file = Fixtures.tensors("merge/" + set + "/" + name + ".safetensors");
        open.add(file);
        return file;
    }

    private static MemoryDeltas deltas(int place, SafetensorsFile inputs) {
        var prefix = "delta." + place + ".";
        var values = new LinkedHashMap<String, Tensor>();
        inputs.names().stream()
                .filter(name -> name.startsWith(prefix))
                .forEach(name -> values.put(name.substring(prefix.length()) + ".weight", inputs.tensor(name)));
        return MemoryDeltas.dense("adapter_" + place, values);
    }

    @AfterEach
    void close() {
        open.forEach(SafetensorsFile::close);
        scope.close();
        guard.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"equal_rank", "mixed_rank", "dense"})
    void everyMerge(String set) {
        open(set);
        check("average", MergeMethods.of("average"));
        check("task_arithmetic_0.4", MergeMethods.of("task-arithmetic"));
        checkWeighted("weighted_sum", MergeMethods.of("task-arithmetic").withLambda(1));
        check("ties_global", MergeMethods.of("ties"));
        check("ties_tensor", trimmed(MergeMethods.of("ties"), 0, .2, Granularity.TENSOR));
        check("breadcrumbs_row", MergeMethods.of("breadcrumbs"));
        check("breadcrumbs_row_gamma0.05", trimmed(MergeMethods.of("breadcrumbs"), .05, .85, Granularity.ROW));
        check("breadcrumbs_tensor", trimmed(MergeMethods.of("breadcrumbs"), .01, .85, Granularity.TENSOR));
        check("knots_ties", MergeMethods.of("knots-ties"));
        check("tsv_m", MergeMethods.of("tsv-m"));
        masked("sparse_overlap_mean", "overlap-mean", "sparse_mask", List.of());
        masked("dare_linear", "dare-linear", "dare_mask", WEIGHTS);
        masked("dare_ties", "dare-ties", "dare_mask", List.of());
        masked("della_sum", "della-linear", "della_mask", List.of());
        masked("della_ties", "della", "della_mask", List.of());
        slerp();
        emr();
        if (!set.equals("dense")) {
            cut();
        }
        var left = new LinkedHashSet<>(expected.names());
        left.removeAll(checked);
        assertThat(left).isEmpty();
    }

    private static MergeMethod trimmed(MergeMethod method, double drop, double keep, Granularity granularity) {
        return method.withSparsifier(new Sparsifier.Magnitude(drop, keep, granularity));
    }

    private void check(String name, MergeMethod method) {
        compare(name, deltas, MergePlan.of(method));
    }

    private void checkWeighted(String name, MergeMethod method) {
        compare(name, deltas, MergePlan.of(method).withWeights(WEIGHTS));
    }

    private void compare(String name, List<? extends DeltaSource> sources, MergePlan plan) {
        var merger = new Merger(sources, plan);
        for (var weight : merger.shapes().keySet()) {
            compare(name + "." + Merger.module(weight), merger.delta(weight).dense());
        }
    }

    private void compare(String name, Tensor actual) {
        checked.add(name);
        Fixtures.assertClose(name, actual, expected.tensor(name), RTOL, ATOL);
    }

    /** A method's random choice is the fixture's here; what it makes of probabilities is checked apart. */
    private void masked(String name, String method, String mask, List<Double> weights) {
        var given = MergeMethods.of(method);
        var sources = new ArrayList<MemoryDeltas>();
        for (int i = 0; i < deltas.size(); i++) {
            sources.add(masked(i, mask, given.sparsifier()));
        }
        compare(
                name,
                sources,
                MergePlan.of(given.withSparsifier(Sparsifier.NONE)).withWeights(weights));
    }

    private MemoryDeltas masked(int place, String mask, Sparsifier sparsifier) {
        var values = new LinkedHashMap<String, Tensor>();
        deltas.get(place).deltas().forEach((weight, delta) -> {
            var module = Merger.module(weight);
            var kept = delta.dense().mul(masks.tensor(mask + "." + place + "." + module));
            if (sparsifier instanceof Sparsifier.Random) {
                kept = kept.div(new Scalar(.4));
            } else if (sparsifier instanceof Sparsifier.RankProbability ranked) {
                var probabilities = Trim.probabilities(ranked, delta.dense());
                compare("della_probability." + place + "." + module, probabilities);
                kept = kept.div(probabilities);
            }
            values.put(weight, kept);
        });
        return MemoryDeltas.dense("adapter_" + place, values);
    }

    private void slerp() {
        var pair = deltas.subList(0, 2);
        compare("slerp_0.3", pair, MergePlan.of(MergeMethods.of("slerp")).withWeights(List.of(.7, .3)));
        compare("slerp_0.3", pair, MergePlan.of(MergeMethods.of("slerp").withPosition(.3)));
        if (masks.names().contains("slerp_near_parallel.w1")) {
            var near = MemoryDeltas.dense("near", Map.of("w1.weight", masks.tensor("slerp_near_parallel.w1")));
            var first = MemoryDeltas.dense(
                    "first",
                    Map.of("w1.weight", deltas.get(0).delta("w1.weight").dense()));
            compare(
                    "slerp_near_parallel_0.3",
                    List.of(first, near),
                    MergePlan.of(MergeMethods.of("slerp").withPosition(.3)));
        }
    }

    private void emr() {
        var unified = new Merger(deltas, MergePlan.of(MergeMethods.of("emr")));
        var all = new TaskMasks(deltas.size());
        for (var weight : unified.shapes().keySet()) {
            var module = Merger.module(weight);
            var values = unified.delta(weight).dense();
            compare("emr_unified." + module, values);
            for (int i = 0; i < deltas.size(); i++) {
                var delta = deltas.get(i).delta(weight).dense();
                compare("emr_mask." + i + "." + module, all.add(i, delta, values));
                var alone = new TaskMasks(deltas.size());
                alone.add(i, delta, values);
                compare("emr_rescaler_tensor." + i + "." + module, scalar(alone.factor(i)));
            }
        }
        for (int i = 0; i < deltas.size(); i++) {
            compare("emr_rescaler_task." + i, scalar(all.factor(i)));
        }
    }

    private static Tensor scalar(double value) {
        return torch.full(new long[0], new Scalar(value), Engine.options(ScalarType.Double));
    }

    /** Merges as PEFT has them, but with each adapter's scaling counted once, cut to a rank. */
    private void cut() {
        long rank = expected.path().toString().contains("mixed") ? 8 : 4;
        cut("svd_once", "peft-svd", rank);
        cut("svd_rank3_once", "peft-svd", 3);
        cut("ties_svd_once", "peft-ties-svd", rank);
        cut("magnitude_prune_svd_once", "peft-magnitude-prune-svd", rank);
    }

    private void cut(String name, String method, long rank) {
        var given = MergeMethods.of(method).withScalingTwice(false);
        var dense = given.sparsifier().keepsAll() ? given : given.withDensity(.4);
        var merger = new Merger(deltas, MergePlan.of(dense).withWeights(WEIGHTS));
        for (var weight : merger.shapes().keySet()) {
            var cut = LowRankApproximation.of(merger.delta(weight), rank);
            compare(name + "." + Merger.module(weight), cut.factors().dense());
        }
    }

    @Test
    void sparseDeltas() {
        try (var file = Fixtures.tensors("sparse/sparse.safetensors")) {
            var sources = IntStream.range(0, 4)
                    .mapToObj(
                            i -> MemoryDeltas.dense("sparse " + i, Map.of("w.weight", file.tensor("merge.delta." + i))))
                    .toList();
            var overlap = new Merger(sources, MergePlan.of(MergeMethods.of("overlap-mean")));
            Fixtures.assertClose(
                    "overlap mean", overlap.delta("w.weight").dense(), file.tensor("merge.overlap_mean"), RTOL, ATOL);
            var mean = new Merger(sources, MergePlan.of(MergeMethods.of("average")));
            Fixtures.assertClose(
                    "uniform mean", mean.delta("w.weight").dense(), file.tensor("merge.uniform_mean"), RTOL, ATOL);
        }
    }
}
