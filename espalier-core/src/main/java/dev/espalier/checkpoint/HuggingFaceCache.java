package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The cache that Hugging Face's own tools download into, read only:
 * {@code models--ORGANISATION--NAME/snapshots/COMMIT}, where {@code refs/main} holds the commit.
 */
record HuggingFaceCache(Path root) {
    private static final String PREFIX = "models--";
    private static final Pattern NAME = Pattern.compile("[\\w.-]+(/[\\w.-]+)?");

    /** The cache of this user: {@code HF_HUB_CACHE}, else {@code HF_HOME/hub}, else the one in the home folder. */
    static HuggingFaceCache ofUser(UnaryOperator<@Nullable String> environment, Path home) {
        var root = variable(environment, "HF_HUB_CACHE").or(() -> variable(environment, "HF_HOME")
                .or(() -> variable(environment, "XDG_CACHE_HOME").map(cache -> cache.resolve("huggingface")))
                .map(hub -> hub.resolve("hub")));
        return new HuggingFaceCache(root.orElseGet(
                () -> home.resolve(".cache").resolve("huggingface").resolve("hub")));
    }

    private static Optional<Path> variable(UnaryOperator<@Nullable String> environment, String name) {
        return Optional.ofNullable(environment.apply(name))
                .filter(value -> !value.isBlank())
                .map(Path::of);
    }

    /** The folder of model {@code name} at its main revision, if it was downloaded. */
    Optional<Path> find(String name) {
        if (!NAME.matcher(name).matches()) {
            return Optional.empty();
        }
        var model = root.resolve(PREFIX + name.replace("/", "--"));
        var main = model.resolve("refs").resolve("main");
        if (!Files.isRegularFile(main)) {
            return Optional.empty();
        }
        try {
            var commit = Files.readString(main).strip();
            return Optional.of(model.resolve("snapshots").resolve(commit)).filter(Files::isDirectory);
        } catch (IOException e) {
            throw MappedFile.unreadable(main, e);
        }
    }

    /** The names of all models in the cache. */
    List<String> names() {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        try (var entries = Files.list(root)) {
            return entries.map(entry -> String.valueOf(entry.getFileName()))
                    .filter(name -> name.startsWith(PREFIX))
                    .map(name -> name.substring(PREFIX.length()).replaceFirst("--", "/"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InputException("Cannot list " + root + ": " + AtomicFiles.reason(e) + ".", e);
        }
    }
}
