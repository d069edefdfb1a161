package dev.espalier.merge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.adapter.AdapterDeltas;
import dev.espalier.adapter.WeightDelta;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PEFT's combination types on the folders that PEFT wrote. */
@SuppressWarnings("NullAway.Init") // each test opens its set first
class PeftMergeFixtureTest {
    private static final List<Double> WEIGHTS = List.of(.5, .3, .7);
    private static final double DENSITY = .4;

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final List<AdapterDeltas> adapters = new ArrayList<>();
    private final List<LanguageModel> models = new ArrayList<>();
    private final Set<String> checked = new LinkedHashSet<>();
    private SafetensorsFile expected;
    private long rank;

    private void open(String set) {
        expected = Fixtures.tensors("merge/" + set + "/expected_peft.safetensors");
        rank = set.equals("equal_rank") ? 4 : 8;
        for (int i = 0; i < 3; i++) {
            var model = AutoModel.open(Fixtures.path("models/llama"), ScalarType.Float);
            models.add(model);
            adapters.add(AdapterDeltas.open(
                    "adapter_" + i, Fixtures.path("merge/" + set + "/adapter_" + i), model, Map.of()));
        }
    }

    @AfterEach
    void close() {
        adapters.forEach(AdapterDeltas::close);
        models.forEach(LanguageModel::close);
        expected.close();
        scope.close();
        guard.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"equal_rank", "mixed_rank"})
    void everyType(String set) {
        open(set);
        factors("cat", MergeMethods.of("peft-cat"), WEIGHTS);
        if (set.equals("equal_rank")) {
            factors("linear", MergeMethods.of("peft-linear"), WEIGHTS);
            factors("linear_negative", MergeMethods.of("peft-linear"), List.of(.5, -.3, .7));
            var ties = MergeMethods.of("peft-ties").withDensity(DENSITY);
            factors("ties", ties, WEIGHTS);
            factors("ties_frequency", ties.withConsensus(Consensus.SIGN_OF_COUNT), WEIGHTS);
            factors("magnitude_prune", MergeMethods.of("peft-magnitude-prune").withDensity(DENSITY), WEIGHTS);
        }
        cut("svd", MergeMethods.of("peft-svd"), rank);
        cut("svd_rank3", MergeMethods.of("peft-svd"), 3);
        cut("ties_svd", MergeMethods.of("peft-ties-svd").withDensity(DENSITY), rank);
        cut("magnitude_prune_svd", MergeMethods.of("peft-magnitude-prune-svd").withDensity(DENSITY), rank);
        var left = new LinkedHashSet<>(expected.names());
        left.removeAll(checked);
        assertThat(left).isEmpty();
    }

    private Merger merger(MergeMethod method, List<Double> weights) {
        return new Merger(adapters, MergePlan.of(method).withWeights(weights));
    }

    private void factors(String name, MergeMethod method, List<Double> weights) {
        var merger = merger(method, weights);
        for (var weight : merger.shapes().keySet()) {
            var prefix = name + "." + Merger.module(weight);
            var merged = (WeightDelta.LowRank) merger.delta(weight);
            compare(prefix + ".delta", merged.dense(), 1e-5, 1e-6);
            if (expected.names().contains(prefix + ".A")) {
                assertThat(merged.scaling()).isEqualTo(1);
                compare(prefix + ".A", merged.a(), 1e-5, 1e-6);
                compare(prefix + ".B", merged.b(), 1e-5, 1e-6);
            }
        }
    }

    /** Factors of a cut are determined up to sign and rotation, their product is not. */
    private void cut(String name, MergeMethod method, long rank) {
        var merger = merger(method, WEIGHTS);
        for (var weight : merger.shapes().keySet()) {
            var prefix = name + "." + Merger.module(weight);
            var cut = LowRankApproximation.of(merger.delta(weight), rank);
            compare(prefix + ".delta", cut.factors().dense(), 1e-4, 1e-5);
            assertThat(cut.factors().rank())
                    .isEqualTo(expected.info(prefix + ".A").shape().get(0));
            checked.addAll(List.of(prefix + ".A", prefix + ".B"));
        }
    }

    private void compare(String name, Tensor actual, double rtol, double atol) {
        checked.add(name);
        Fixtures.assertClose(name, actual, expected.tensor(name), rtol, atol);
    }
}
