package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.adapter.ModuleNames;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.error.InputException;
import dev.espalier.tensor.FloatArrays;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(OnEngine.class)
class MergerTest {
    private static final List<String> WEIGHTS = List.of("a.weight", "b.weight", "b.bias");

    static Set<String> methods() {
        return MergeMethods.all().keySet();
    }

    /** LoRA of rank 3 on two linears. */
    private static MemoryDeltas lora(int number) {
        var deltas = new LinkedHashMap<String, WeightDelta>();
        deltas.put("a.weight", lowRank(number, "a", 20, 30));
        deltas.put("b.weight", lowRank(number, "b", 12, 9));
        return new MemoryDeltas("lora " + number, "lora", deltas);
    }

    private static WeightDelta lowRank(int number, String name, long out, long in) {
        var random = RandomStream.of(number).at(name);
        return new WeightDelta.LowRank(
                Initialiser.normal(.5, random.at("B"), out, 3), Initialiser.normal(.5, random.at("A"), 3, in), 1.5);
    }

    /** All numbers of two linears and a bias. */
    private static MemoryDeltas full(int number) {
        var random = RandomStream.of(number);
        return MemoryDeltas.dense(
                "full " + number,
                ordered(
                        Initialiser.normal(1, random.at("a"), 20, 30),
                        Initialiser.normal(1, random.at("b"), 12, 9),
                        Initialiser.normal(1, random.at("bias"), 12)));
    }

    private static Map<String, Tensor> ordered(Tensor... values) {
        var tensors = new LinkedHashMap<String, Tensor>();
        for (int i = 0; i < values.length; i++) {
            tensors.put(WEIGHTS.get(i), values[i]);
        }
        return tensors;
    }

    /** Nothing dropped, nothing scaled. */
    private static MergeMethod whole(String name) {
        var method = MergeMethods.of(name).withLambda(1).withScalingTwice(false);
        if (method.sparsifier() instanceof Sparsifier.Magnitude magnitude) {
            return method.withSparsifier(new Sparsifier.Magnitude(0, 1, magnitude.granularity()));
        }
        return method.withSparsifier(method.sparsifier().withDensity(1));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void oneAdapterGivesItself(String name) {
        var adapter = lora(1);
        var merger = new Merger(List.of(adapter), MergePlan.of(whole(name)));
        for (var weight : adapter.shapes().keySet()) {
            Fixtures.assertClose(
                    weight, merger.delta(weight).dense(), adapter.delta(weight).dense(), 1e-5, 1e-5);
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void theOrderOfAdaptersDoesNotMatterWhereTheMethodSaysSo(String name) {
        var method = MergeMethods.of(name);
        var adapters = new ArrayList<>(List.of(lora(1), lora(2), lora(3), lora(4)));
        var weights = new ArrayList<>(List.of(.5, 1., .25, .75));
        var forward = new Merger(adapters, MergePlan.of(method).withWeights(weights));
        Collections.reverse(adapters);
        Collections.reverse(weights);
        var backward = new Merger(adapters, MergePlan.of(method).withWeights(weights));
        for (var weight : forward.shapes().keySet()) {
            var a = forward.delta(weight).dense();
            var b = backward.delta(weight).dense();
            if (method.isOrderInvariant()) {
                Fixtures.assertClose(weight, a, b, 1e-4, 1e-5);
            } else {
                assertThat(a.allclose(b)).isFalse();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aWeightIsMergedToTheSameBitsEachTime(String name) {
        var merger = new Merger(List.of(lora(1), lora(2)), MergePlan.of(MergeMethods.of(name)));
        assertThat(merger.delta("a.weight")
                        .dense()
                        .equal(merger.delta("a.weight").dense()))
                .isTrue();
    }

    @Test
    void meansOfLoraAreMeansOfItsDenseChanges() {
        var adapters = IntStream.range(0, 20).mapToObj(MergerTest::lora).toList();
        var merger = new Merger(adapters, MergePlan.of(MergeMethods.of("average")));
        for (var weight : merger.shapes().keySet()) {
            var mean = adapters.get(0).delta(weight).dense();
            for (var adapter : adapters.subList(1, 20)) {
                mean = mean.add(adapter.delta(weight).dense());
            }
            assertThat(merger.delta(weight)).isInstanceOf(WeightDelta.LowRank.class);
            Fixtures.assertClose(weight, merger.delta(weight).dense(), mean.div(new Scalar(20.0)), 1e-5, 1e-6);
        }
    }

    @Test
    void kindsMixAndWhatAnAdapterDoesNotChangeIsZero() {
        var adapters = List.of(lora(1), full(2));
        var merger =
                new Merger(adapters, MergePlan.of(MergeMethods.of("average")).withWeights(List.of(3., 1.)));
        assertThat(merger.shapes()).containsOnlyKeys("a.weight", "b.weight", "b.bias");
        for (var weight : List.of("a.weight", "b.weight")) {
            var expected = lora(1).delta(weight)
                    .dense()
                    .mul(new Scalar(.75))
                    .add(full(2).delta(weight).dense().mul(new Scalar(.25)));
            Fixtures.assertClose(weight, merger.delta(weight).dense(), expected, 1e-5, 1e-6);
        }
        Fixtures.assertClose(
                "bias",
                merger.delta("b.bias").dense(),
                full(2).delta("b.bias").dense().mul(new Scalar(.25)),
                1e-5,
                1e-6);
    }

    @Test
    void overlapMeansLeaveOutZeros() {
        var first = MemoryDeltas.dense("first", Map.of("a.weight", tensor(1, 0, 4, 0)));
        var second = MemoryDeltas.dense("second", Map.of("a.weight", tensor(3, 2, 0, 0)));
        var merger = new Merger(List.of(first, second), MergePlan.of(MergeMethods.of("overlap-mean")));
        assertThat(merger.delta("a.weight").dense().equal(tensor(2, 2, 4, 0))).isTrue();
        var weighted = new Merger(
                List.of(first, second),
                MergePlan.of(MergeMethods.of("overlap-mean")).withWeights(List.of(3., 1.)));
        assertThat(weighted.delta("a.weight").dense().equal(tensor(1.5f, 2, 4, 0)))
                .isTrue();
    }

    private static Tensor tensor(float... values) {
        return FloatArrays.tensor(values, 1, values.length);
    }

    @Test
    void overridesHoldForTheirModulesOnly() {
        var adapters = List.of(lora(1), lora(2));
        var sum = MergeMethods.of("task-arithmetic").withLambda(1);
        var override =
                new MergePlan.Override(ModuleNames.of(List.of("b")), Optional.of(sum), Optional.of(List.of(2., 0.)));
        var plan = new MergePlan(MergeMethods.of("average"), List.of(), List.of(override), 0);
        var merger = new Merger(adapters, plan);
        Fixtures.assertClose(
                "b",
                merger.delta("b.weight").dense(),
                adapters.get(0).delta("b.weight").dense().mul(new Scalar(2.0)),
                1e-5,
                1e-6);
        var plain = new Merger(adapters, MergePlan.of(MergeMethods.of("average")));
        assertThat(merger.delta("a.weight")
                        .dense()
                        .equal(plain.delta("a.weight").dense()))
                .isTrue();
    }

    @Test
    void theSeedDecidesOnWhatIsDrawn() {
        var plan = MergePlan.of(MergeMethods.of("dare-ties"));
        var adapters = List.of(lora(1), lora(2));
        var first = new Merger(adapters, plan.withSeed(1)).delta("a.weight").dense();
        assertThat(new Merger(adapters, plan.withSeed(1))
                        .delta("a.weight")
                        .dense()
                        .equal(first))
                .isTrue();
        assertThat(new Merger(adapters, plan.withSeed(2))
                        .delta("a.weight")
                        .dense()
                        .equal(first))
                .isFalse();
    }

    @Test
    void statisticsCountSigns() {
        var first = MemoryDeltas.dense("first", Map.of("a.weight", tensor(1, 1, 0, -2)));
        var second = MemoryDeltas.dense("second", Map.of("a.weight", tensor(1, -1, 0, 0)));
        var merger = new Merger(
                List.of(first, second), MergePlan.of(MergeMethods.of("ties").withDensity(1)));
        try (var inner = Scope.open()) {
            merger.delta("a.weight");
        }
        var statistics = merger.statistics();
        assertThat(statistics.signConflicts("a.weight")).isEqualTo(1 / 3.);
        assertThat(statistics.overlap(0, 1)).isEqualTo(2 / 3.);
        assertThat(statistics.signConflicts(0, 1)).isEqualTo(.5);
        assertThat(statistics.signConflictsWithOthers(0)).isEqualTo(1 / 3.);
        assertThat(statistics.density(1)).isEqualTo(.5);
        double a = Math.sqrt(6);
        double b = Math.sqrt(2);
        assertThat(statistics.normShares().get(0)).isCloseTo(a / (a + b), within(1e-6));
    }

    @Test
    void nothingLeaks() {
        var adapters = List.of(lora(1), full(2));
        for (var name : List.of("ties", "average", "knots-ties", "tsv-m", "della", "slerp")) {
            var merger = new Merger(adapters, MergePlan.of(MergeMethods.of(name)));
            merge(merger);
            long before = Scope.liveObjects();
            merge(merger);
            assertThat(Scope.liveObjects()).as(name).isEqualTo(before);
        }
    }

    private static void merge(Merger merger) {
        try (var inner = Scope.open()) {
            merger.shapes().keySet().forEach(merger::delta);
        }
    }

    @Test
    void otherShapesAreRefusedWithBoth() {
        var other = MemoryDeltas.dense("other", Map.of("a.weight", torch.zeros(7, 30)));
        assertThatThrownBy(() -> new Merger(List.of(lora(1), other), MergePlan.of(MergeMethods.of("ties"))))
                .isInstanceOf(InputException.class)
                .hasMessage(
                        "Adapter 'lora 1' changes a.weight of shape [20, 30] and adapter 'other' in shape [7, 30]; only"
                                + " adapters of one base model can be merged.");
    }

    @Test
    void weightsMustMatchInNumber() {
        var plan = MergePlan.of(MergeMethods.of("ties")).withWeights(List.of(1.));
        assertThatThrownBy(() -> new Merger(List.of(lora(1), lora(2)), plan))
                .isInstanceOf(InputException.class)
                .hasMessage("There are 1 weights and 2 adapters; give one weight for each adapter, in their order.");
    }

    @Test
    void densityMustBeAShare() {
        for (double density : new double[] {0, -1, 1.5, Double.NaN}) {
            assertThatThrownBy(() -> MergeMethods.of("ties").withDensity(density))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("must be above 0 and at most 1, not " + density);
        }
    }

    @Test
    void factorsAreNeededByPeftsTypes() {
        var plan = MergePlan.of(MergeMethods.of("peft-linear"));
        assertThatThrownBy(() -> new Merger(List.of(lora(1), full(2)), plan).delta("a.weight"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("adapter 'full 2' of method 'full' does not have for a.weight");
    }

    @Test
    void unknownMethodsAreNamedWithTheNearest() {
        assertThatThrownBy(() -> MergeMethods.of("tie"))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("There is no merge method 'tie'. Did you mean 'ties'?");
    }
}
