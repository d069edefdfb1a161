package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HuggingFaceCacheTest {
    @TempDir
    Path root;

    @Test
    void findsTheMainRevisionOfAModel() throws IOException {
        var snapshot = model("models--org--name", "abc");
        model("models--gpt2", "def");
        var cache = new HuggingFaceCache(root);
        assertThat(cache.find("org/name")).contains(snapshot);
        assertThat(cache.find("gpt2")).contains(root.resolve("models--gpt2/snapshots/def"));
        assertThat(cache.names()).containsExactly("gpt2", "org/name");
    }

    @Test
    void whatIsNotThereIsNotFound() throws IOException {
        var cache = new HuggingFaceCache(root);
        Files.createDirectories(root.resolve("models--a--no-refs/snapshots/abc"));
        Files.delete(model("models--a--no-snapshot", "abc"));
        assertThat(cache.find("a/no-refs")).isEmpty();
        assertThat(cache.find("a/no-snapshot")).isEmpty();
        assertThat(cache.find("a/b")).isEmpty();
        assertThat(new HuggingFaceCache(root.resolve("gone")).names()).isEmpty();
    }

    @Test
    void namesThatAreNoneAreNotLookedUp() throws IOException {
        model("models--a--b--c", "abc");
        var cache = new HuggingFaceCache(root);
        assertThat(cache.find("a/b/c")).isEmpty();
        assertThat(cache.find("")).isEmpty();
        assertThat(cache.find("a\0b")).isEmpty();
    }

    @Test
    void theEnvironmentSaysWhereItIs() {
        var home = Path.of("home");
        assertThat(root(Map.of("HF_HUB_CACHE", "hub", "HF_HOME", "hf"), home)).isEqualTo(Path.of("hub"));
        assertThat(root(Map.of("HF_HOME", "hf", "XDG_CACHE_HOME", "x"), home)).isEqualTo(Path.of("hf/hub"));
        assertThat(root(Map.of("XDG_CACHE_HOME", "x"), home)).isEqualTo(Path.of("x/huggingface/hub"));
        assertThat(root(Map.of("HF_HOME", ""), home)).isEqualTo(home.resolve(".cache/huggingface/hub"));
    }

    private static Path root(Map<String, String> environment, Path home) {
        return HuggingFaceCache.ofUser(environment::get, home).root();
    }

    private Path model(String name, String commit) throws IOException {
        Files.createDirectories(root.resolve(name).resolve("refs"));
        Files.writeString(root.resolve(name).resolve("refs/main"), commit + "\n");
        return Files.createDirectories(root.resolve(name).resolve("snapshots").resolve(commit));
    }
}
