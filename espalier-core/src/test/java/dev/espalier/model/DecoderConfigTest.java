package dev.espalier.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.gemma.Gemma2;
import dev.espalier.model.gemma.Gemma3;
import dev.espalier.model.gpt2.Gpt2;
import dev.espalier.model.llama.Llama;
import dev.espalier.model.llama.Mistral;
import dev.espalier.model.phi.Phi3;
import dev.espalier.model.qwen.Qwen2;
import dev.espalier.model.qwen.Qwen3;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configs in both layouts that are in circulation. */
class DecoderConfigTest {
    private static final List<DecoderFamily> FAMILIES = List.of(
            new Llama(), new Mistral(), new Qwen2(), new Qwen3(), new Phi3(), new Gemma2(), new Gemma3(), new Gpt2());

    private static DecoderConfig read(String json) {
        var reader = new ConfigReader(Json.mapper().readTree(json), "config.json");
        return FAMILIES.stream()
                .filter(f -> f.modelTypes().contains(reader.text("model_type", "")))
                .findFirst()
                .orElseThrow()
                .config(reader);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "llama3_tied",
                "mistral",
                "qwen2",
                "qwen3",
                "phi3",
                "gemma2",
                "gpt2",
                "llama_bf16_sharded"
            })
    void oldAndNewLayoutMeanTheSame(String name) throws Exception {
        var folder = Fixtures.path("models/" + name);
        var now = Files.readString(folder.resolve("config.json"));
        var before = Files.readString(folder.resolve("config_v4.json"));
        assertThat(read(now)).isEqualTo(read(before));
    }

    private static final String GEMMA3 = """
            {"model_type": "gemma3_text", "hidden_size": 64, "num_hidden_layers": 7, "num_attention_heads": 4,
             "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 96, "vocab_size": 256,
             "max_position_embeddings": 96, "sliding_window": 8, "query_pre_attn_scalar": 16,
             "hidden_activation": "gelu_pytorch_tanh", %s}
            """;

    @Test
    void gemma3HasAWindowInFiveOfSixLayersAndARotaryEmbeddingForEachKind() {
        var before = read(GEMMA3.formatted("""
                "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "sliding_window_pattern": 6,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0}"""));
        assertThat(before.layers().stream().map(DecoderConfig.Layer::window)).containsExactly(8, 8, 8, 8, 8, 0, 8);
        assertThat(before.layers().get(0).rope()).contains(new Rope(10_000, 16, new Rope.Unscaled()));
        assertThat(before.layers().get(5).rope()).contains(new Rope(1_000_000, 16, new Rope.Linear(8)));
        var now = read(GEMMA3.formatted("""
                "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention", "sliding_attention",
                  "sliding_attention", "full_attention", "sliding_attention"],
                "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                  "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}"""));
        assertThat(now).isEqualTo(before);
    }

    @Test
    void anUnknownScalingNamesTheKnownOnes() {
        assertThatThrownBy(() -> read("""
                        {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
                         "intermediate_size": 96, "vocab_size": 256, "max_position_embeddings": 96,
                         "rope_scaling": {"rope_type": "spiral", "factor": 2.0}}"""))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'spiral'")
                .hasMessageContaining("yarn");
    }

    @Test
    void headsThatDoNotFitAreNamed() {
        assertThatThrownBy(() -> read("""
                        {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4,
                         "num_key_value_heads": 3, "intermediate_size": 96, "vocab_size": 256,
                         "max_position_embeddings": 96}"""))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("4")
                .hasMessageContaining("3");
    }
}
