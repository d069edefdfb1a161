package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.adapter.MixtureSpec.Initialisation;
import dev.espalier.adapter.MixtureSpec.Kind;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Cosines of experts' changes against the changes themselves. */
class ExpertSimilarityTest {
    private static final int EXPERTS = 3;
    private static final int RANK = 2;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void cosinesAreThoseOfTheChanges(boolean sharedA) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var a = parameter("a", (sharedA ? 1 : EXPERTS) * RANK, 6);
            var b = parameter("b", 5, EXPERTS * RANK);
            var changes = new ArrayList<Tensor>();
            for (int e = 0; e < EXPERTS; e++) {
                var down = a.value().narrow(0, sharedA ? 0 : (long) e * RANK, RANK);
                changes.add(torch.mm(b.value().narrow(1, (long) e * RANK, RANK), down));
            }
            var delta = new RankGatedDelta("linear", a, b, EXPERTS, 2, 0, null);
            var similarity = ExpertSimilarity.of(delta).orElseThrow();
            assertCosines(similarity, changes);
            double sum = 0;
            for (int[] pair : new int[][] {{0, 1}, {0, 2}, {1, 2}}) {
                sum += cosine(changes.get(pair[0]), changes.get(pair[1]));
            }
            assertThat(similarity.mean().orElseThrow()).isCloseTo(sum / 3, within(1e-6));
        }
    }

    @Test
    void vectorsAreComparedByWhatTheyAreOffOne() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var scales = parameter("scales", EXPERTS, 5);
            var off = scales.value().sub(new Scalar(1));
            var similarity =
                    ExpertSimilarity.of(new ScaleMixtureDelta(scales, null)).orElseThrow();
            assertCosines(similarity, List.of(off.get(0), off.get(1), off.get(2)));
        }
    }

    private static void assertCosines(ExpertSimilarity similarity, List<Tensor> changes) {
        for (int e = 0; e < EXPERTS; e++) {
            for (int f = 0; f < EXPERTS; f++) {
                assertThat(similarity.cosines().get(e).get(f))
                        .isCloseTo(cosine(changes.get(e), changes.get(f)), within(1e-6));
            }
        }
    }

    private static double cosine(Tensor a, Tensor b) {
        return a.mul(b).sum().item_double() / a.norm().item_double() / b.norm().item_double();
    }

    @Test
    void anExpertThatChangesNothingHasNoCosine() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var b = parameter("b", 5, EXPERTS * RANK);
            b.value().narrow(1, 0, RANK).zero_();
            var delta = new RankGatedDelta("linear", parameter("a", EXPERTS * RANK, 6), b, EXPERTS, 2, 0, null);
            var similarity = ExpertSimilarity.of(delta).orElseThrow();
            assertThat(similarity.cosines().get(0)).containsOnly(Double.NaN);
            assertThat(similarity.mean().orElseThrow())
                    .isEqualTo(similarity.cosines().get(1).get(2));
            b.value().zero_();
            var none = ExpertSimilarity.of(delta).orElseThrow();
            assertThat(none.mean()).isEmpty();
            assertThat(none.line()).isEmpty();
        }
    }

    @Test
    void theLineHasAMatrixWhereThereAreFewExperts() {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            for (int experts : new int[] {ExpertSimilarity.MOST_WRITTEN, ExpertSimilarity.MOST_WRITTEN + 1}) {
                var a = parameter("a", experts, 6);
                var delta = new RankGatedDelta("linear", a, parameter("b", 5, experts), experts, 2, 0, null);
                var line = ExpertSimilarity.of(delta).orElseThrow().line().orElseThrow();
                assertThat(line).containsKey("mean");
                assertThat(line.containsKey("cosines")).isEqualTo(experts == ExpertSimilarity.MOST_WRITTEN);
            }
        }
    }

    /** LoRA has one expert, and so has what GOAT takes off; of the experts themselves there are cosines. */
    @Test
    void allKindsOfMixturesHaveThemAndLoraHasNone() {
        try (var base = new TinyModel()) {
            var specs = List.of(
                    Mixtures.of("mola").with(m -> m.experts(2).expertsByDepth(List.of())),
                    Mixtures.of("goat").with(m -> m.experts(2).initialisation(Initialisation.SVD_SEGMENTS)),
                    Mixtures.of("molora").with(m -> m.experts(2).kind(Kind.BOTTLENECK)),
                    Mixtures.of("modula").with(m -> m.experts(2)),
                    Mixtures.of("adamix").with(m -> m.experts(2)),
                    Mixtures.of("mov").with(m -> m.experts(2)));
            for (var spec : specs) {
                try (var adapter = Adapter.create("a", spec, base.model(), RandomStream.of(1))) {
                    assertThat(ExpertSimilarity.of(adapter).keySet())
                            .as(spec.method())
                            .isEqualTo(adapter.deltas().keySet());
                }
            }
            try (var adapter = Adapter.create("a", LoraSpec.defaults(), base.model(), RandomStream.of(1))) {
                assertThat(ExpertSimilarity.of(adapter)).isEmpty();
            }
        }
    }

    private static Parameter parameter(String name, long... shape) {
        return new Parameter(name, Initialiser.normal(1, RandomStream.of(4).at(name), shape), true);
    }
}
