package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFolderTest {
    @TempDir
    Path folder;

    @BeforeEach
    void copyTheShardedFixture() throws IOException {
        try (var files = Files.list(Fixtures.path("models/llama_bf16_sharded"))) {
            for (var file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName().toString()));
            }
        }
    }

    @Test
    void opensAFolderWithOneFile() {
        try (var checkpoint = CheckpointFolder.open(Fixtures.path("models/bert_cls"))) {
            assertThat(checkpoint.config().get("model_type").stringValue()).isEqualTo("bert");
            assertThat(checkpoint.info("classifier.weight"))
                    .isEqualTo(new TensorInfo(ScalarType.Float, List.of(3L, 64L)));
            assertThat(checkpoint.metadata()).containsEntry("format", "pt");
            assertThat(checkpoint).hasToString(checkpoint.path().toString());
        }
    }

    @Test
    void opensShardsAsOneSource() {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            assertThat(checkpoint.fileOf("lm_head.weight")).hasFileName("model-00002-of-00002.safetensors");
            assertThat(checkpoint.fileOf("model.embed_tokens.weight")).hasFileName("model-00001-of-00002.safetensors");
            assertThat(checkpoint.names()).hasSize(21);
            var elements = checkpoint.names().stream()
                    .mapToLong(name -> checkpoint.tensor(name).numel())
                    .sum();
            assertThat(elements).isEqualTo(94528);
        }
    }

    @Test
    void aMissingShardIsNamed() throws IOException {
        Files.delete(folder.resolve("model-00002-of-00002.safetensors"));
        assertRejected("Shard " + folder.resolve("model-00002-of-00002.safetensors") + " is missing");
    }

    @Test
    void aTruncatedShardIsNamed() throws IOException {
        var shard = folder.resolve("model-00002-of-00002.safetensors");
        try (var channel = Files.newByteChannel(shard, java.nio.file.StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() - 100);
        }
        assertRejected(shard.toString(), "truncated");
    }

    @Test
    void aShardWithoutTheTensorOfTheIndexIsNamed() throws IOException {
        editIndex("\"lm_head.weight\": \"model-00002", "\"lm_head.weight\": \"model-00001");
        assertRejected("tensor 'lm_head.weight' is in", "does not have it");
    }

    @Test
    void aShardOutsideTheFolderIsRefused() throws IOException {
        editIndex("\"lm_head.weight\": \"model", "\"lm_head.weight\": \"../model");
        assertRejected("'lm_head.weight'", "which is not a file name");
    }

    @Test
    void anIndexWithoutWeightMapIsSaid() throws IOException {
        editIndex("weight_map", "weights");
        assertRejected("has no weight_map object");
    }

    @Test
    void pickledWeightsSayHowToConvert() throws IOException {
        Files.delete(folder.resolve("model.safetensors.index.json"));
        Files.createFile(folder.resolve("pytorch_model.bin"));
        assertRejected(folder.resolve("pytorch_model.bin").toString(), "save_pretrained");
    }

    @Test
    void aFolderWithoutWeightsIsSaid() throws IOException {
        Files.delete(folder.resolve("model.safetensors.index.json"));
        assertRejected(folder + " has neither model.safetensors nor model.safetensors.index.json.");
    }

    @Test
    void aFolderWithoutConfigIsSaid() throws IOException {
        Files.delete(folder.resolve("config.json"));
        assertRejected(folder + " has no config.json");
    }

    @Test
    void aFolderThatDoesNotExistIsSaid() {
        assertThatThrownBy(() -> CheckpointFolder.open(folder.resolve("gone")).close())
                .isInstanceOf(InputException.class)
                .hasMessage("No model folder at " + folder.resolve("gone") + ".");
    }

    @Test
    void aFolderWithoutTokenizerSaysHowToConvert() throws IOException {
        try (var checkpoint = CheckpointFolder.open(folder)) {
            assertThatThrownBy(checkpoint::tokenizer)
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining(folder + " has no tokenizer.json")
                    .hasMessageContaining("save_pretrained");
            Files.writeString(folder.resolve("tokenizer.json"), "{}");
            assertThat(checkpoint.tokenizer()).isEqualTo(folder.resolve("tokenizer.json"));
        }
    }

    private void editIndex(String from, String to) throws IOException {
        var index = folder.resolve("model.safetensors.index.json");
        var text = Files.readString(index);
        assertThat(text).contains(from);
        Files.writeString(index, text.replace(from, to));
    }

    private void assertRejected(String... parts) {
        assertThatThrownBy(() -> CheckpointFolder.open(folder).close())
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll(parts);
    }
}
