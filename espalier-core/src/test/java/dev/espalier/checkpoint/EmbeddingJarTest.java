package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The encoder that comes with the library, converted once for all tests here. */
class EmbeddingJarTest {
    private static final EmbeddingJar MINILM = EmbeddingJar.ALL.get(0);

    @TempDir
    static Path models;

    private static Path folder = Path.of("");

    @BeforeAll
    static void convert() {
        folder = MINILM.folder(models, EmbeddingJarTest::classPath);
    }

    @Test
    void theFolderIsNamedAfterModelAndVersionAndHoldsFourFilesOnly() throws IOException {
        assertThat(folder).isEqualTo(models.resolve("all-minilm-l6-v2-" + MINILM.version()));
        try (var files = Files.list(folder)) {
            assertThat(files)
                    .extracting(file -> file.getFileName().toString())
                    .containsExactlyInAnyOrder(
                            "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");
        }
    }

    @Test
    void theVersionIsThatOfTheJarOnTheClassPath() throws IOException {
        var properties = new Properties();
        var path = "/META-INF/maven/" + EmbeddingJar.GROUP_ID + "/" + MINILM.artifactId() + "/pom.properties";
        try (var in = Objects.requireNonNull(getClass().getResourceAsStream(path))) {
            properties.load(in);
        }
        assertThat(properties).containsEntry("version", MINILM.version());
    }

    @Test
    void theConfigurationFitsTheWeights() {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            var config = checkpoint.config();
            assertThat(config.get("model_type").stringValue()).isEqualTo("bert");
            assertThat(config.get("num_hidden_layers").intValue()).isEqualTo(6);
            assertThat(config.get("num_attention_heads").intValue()).isEqualTo(12);
            assertThat(config.get("hidden_size").intValue()).isEqualTo(384);
            assertThat(config.get("intermediate_size").intValue()).isEqualTo(1536);
            assertThat(config.get("vocab_size").intValue()).isEqualTo(30522);
            assertThat(config.get("max_position_embeddings").intValue()).isEqualTo(512);
            assertThat(config.get("type_vocab_size").intValue()).isEqualTo(2);
            assertThat(config.get("layer_norm_eps").doubleValue()).isEqualTo(1e-12);
        }
    }

    @Test
    void everyWeightOfBertButThePoolerIsThereUnderItsName() {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            assertThat(checkpoint.names())
                    .hasSize(5 + 6 * 16)
                    .contains("embeddings.LayerNorm.weight", "encoder.layer.5.attention.self.query.weight")
                    .noneMatch(name -> name.contains("pooler") || name.contains("onnx::"));
            assertThat(checkpoint.info("encoder.layer.3.intermediate.dense.weight"))
                    .isEqualTo(new TensorInfo(ScalarType.Float, List.of(1536L, 384L)));
            assertThat(checkpoint.info("encoder.layer.3.output.dense.weight"))
                    .isEqualTo(new TensorInfo(ScalarType.Float, List.of(384L, 1536L)));
        }
    }

    @Test
    void weightsHaveTheSpreadOfATrainedEncoder() {
        try (var checkpoint = CheckpointFolder.open(folder);
                var scope = Scope.open()) {
            for (var name : checkpoint.names()) {
                var tensor = checkpoint.tensor(name);
                assertThat(tensor.isfinite().all().item_bool()).as(name).isTrue();
                if (tensor.dim() == 2) {
                    assertThat(tensor.std().item_double()).as(name).isBetween(0.005, 0.2);
                }
            }
        }
    }

    @Test
    void theTokenizerNeitherPadsNorTruncates() {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            var tokenizer = Json.read(checkpoint.tokenizer());
            assertThat(tokenizer.get("padding").isNull()).isTrue();
            assertThat(tokenizer.get("truncation").isNull()).isTrue();
            assertThat(tokenizer.get("model").get("vocab").size()).isEqualTo(30522);
        }
    }

    @Test
    void theSecondTimeNothingIsConverted() {
        assertThat(MINILM.folder(models, () -> {
                    throw new AssertionError("converted again");
                }))
                .isEqualTo(folder);
    }

    private static URLClassLoader classPath() {
        return new URLClassLoader(new URL[0], EmbeddingJarTest.class.getClassLoader());
    }
}
