package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.RandomStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TargetModulesTest {
    private static final String LAYER = "bert.encoder.layer.";

    @Test
    void namesMatchExactPathsOrTheirEndAfterADot() {
        try (var base = new TinyModel()) {
            assertThat(TargetModules.of("query", LAYER + "1.output.dense")
                            .select(base.model())
                            .keySet())
                    .containsExactly(
                            LAYER + "0.attention.self.query",
                            LAYER + "1.attention.self.query",
                            LAYER + "1.output.dense");
            assertThat(TargetModules.of("attention.output.dense").select(base.model()))
                    .hasSize(2);
        }
    }

    @Test
    void expressionsMatchWholePaths() {
        try (var base = new TinyModel()) {
            assertThat(TargetModules.matching(".*layer\\.0.*\\.(key|value)")
                            .select(base.model())
                            .keySet())
                    .containsExactly(LAYER + "0.attention.self.key", LAYER + "0.attention.self.value");
            assertThatThrownBy(() -> TargetModules.matching("key").select(base.model()))
                    .isInstanceOf(InputException.class);
        }
    }

    @Test
    void allLinearLeavesHeadsOutAndNamesLeaveOutWhatIsTrainedAsAWhole() {
        try (var base = new TinyModel()) {
            base.addHead("", 3);
            assertThat(TargetModules.allLinear().select(base.model())).hasSize(12);
            assertThat(TargetModules.of("dense").select(base.model())).containsKey("bert.pooler.dense");
            assertThatThrownBy(() -> TargetModules.of("classifier").select(base.model()))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("classifier");
        }
    }

    @Test
    void excludedModulesAndOtherLayersAreLeftOut() {
        try (var base = new TinyModel()) {
            var targets = TargetModules.of("query", "key", LAYER + "0.attention.self.value")
                    .excluding(ModuleNames.of(List.of("key")))
                    .inLayers(List.of(1), List.of());
            // An exact path is adapted whatever its layer is, as in PEFT.
            assertThat(targets.select(base.model()).keySet())
                    .containsExactly(LAYER + "0.attention.self.value", LAYER + "1.attention.self.query");
            assertThat(TargetModules.of("query")
                            .inLayers(List.of(0), List.of("layer"))
                            .select(base.model())
                            .keySet())
                    .containsExactly(LAYER + "0.attention.self.query");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "bert_cls, query value",
        "llama, q_proj v_proj",
        "gemma2, q_proj v_proj",
        "phi3, qkv_proj",
        "gpt2, c_attn"
    })
    void withoutNamesTheFamilysUsualModulesAreAdapted(String model, String names) {
        try (var base = AutoModel.open(Fixtures.path("models/" + model), ScalarType.Float)) {
            assertThat(TargetModules.DEFAULT.select(base).keySet())
                    .isEqualTo(TargetModules.of(names.split(" ")).select(base).keySet())
                    .hasSize(2 * names.split(" ").length);
        }
    }

    @Test
    void embeddingsAreAdaptedByNameAndNeverByAllLinear() {
        try (var base = AutoModel.open(Fixtures.path("models/llama3_tied"), ScalarType.Float)) {
            assertThat(TargetModules.of("embed_tokens").select(base).keySet()).containsExactly("model.embed_tokens");
            assertThat(TargetModules.allLinear().select(base).keySet())
                    .hasSize(14)
                    .doesNotContain("model.embed_tokens", "lm_head");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sira", "dora"})
    void methodsWithoutAFormForEmbeddingsSayWhichOneIsNamed(String method) {
        var targets = TargetModules.of("embed_tokens");
        AdapterSpec spec = method.equals("sira")
                ? Mixtures.sira().with(m -> m.targets(targets))
                : LoraSpec.defaults().withTargets(targets).withDora(true);
        try (var base = AutoModel.open(Fixtures.path("models/llama"), ScalarType.Float)) {
            assertThatThrownBy(() -> Adapter.create("a", spec, base, RandomStream.of(1)))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("the embedding model.embed_tokens");
        }
    }

    @Test
    void unknownNameNamesTheNearest() {
        try (var base = new TinyModel()) {
            assertThatThrownBy(() -> TargetModules.of("qurey", "value").select(base.model()))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("The model has no linear or embedding 'qurey'; nearest are query, ");
        }
    }

    @Test
    void firstPatternThatMatchesTheEndOfAPathDecides() {
        var ranks = new LinkedHashMap<String, Integer>();
        ranks.put("layer\\.1\\..*query", 2);
        ranks.put("query", 4);
        var spec = LoraSpec.defaults().withPatterns(ranks, Map.of("self.value", 4.0));
        assertThat(spec.rank(LAYER + "1.attention.self.query")).isEqualTo(2);
        assertThat(spec.rank(LAYER + "0.attention.self.query")).isEqualTo(4);
        assertThat(spec.rank(LAYER + "0.attention.self.prequery")).isEqualTo(8);
        assertThat(spec.scaling(LAYER + "0.attention.self.value")).isEqualTo(.5);
        assertThat(spec.withRslora(true).scaling(LAYER + "0.attention.self.query"))
                .isEqualTo(16 / 2.0);
    }

    @ParameterizedTest
    @CsvSource({
        "5, 4, .5, 1.25, 'top-k 5 is more than the 4 experts'",
        "0, 4, .5, 1.25, 'top-k must be greater than 0, not 0'",
        "2, 4, 1, 1.25, 'expert-dropout must be at least 0 and below 1, not 1'",
        "2, 4, .5, 0, 'capacity-factor must be greater than 0, not 0'"
    })
    void valuesOutOfRangeAreNamed(int k, int experts, double dropout, double capacity, String message) {
        assertThatThrownBy(() -> Mixtures.sira().with(m -> m.experts(experts)
                        .topK(k)
                        .expertDropout(dropout)
                        .capacityFactor(Optional.of(capacity))))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(message);
    }

    @Test
    void layersWithAnExpressionAndNegativeRanksAreRefused() {
        assertThatThrownBy(() -> TargetModules.matching(".*").inLayers(List.of(1), List.of()))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("layers_to_transform");
        assertThatThrownBy(() -> LoraSpec.defaults().withRank(-1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("rank must be greater than 0, not -1");
        assertThatThrownBy(() -> TargetModules.matching("("))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'('");
    }
}
