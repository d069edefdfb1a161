package dev.espalier.checkpoint;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The folder that holds what is made once and used again: converted models, generated tasks. */
public final class EspalierHome {
    private EspalierHome() {}

    /**
     * The system property {@code espalier.home}, else the environment's {@code ESPALIER_HOME}, else {@code espalier} in
     * the user's cache folder: {@code $XDG_CACHE_HOME} or {@code ~/.cache} on Linux, {@code ~/Library/Caches} on macOS,
     * {@code %LOCALAPPDATA%} on Windows. It may not exist yet.
     */
    public static Path directory() {
        return directory(System::getProperty, System::getenv);
    }

    static Path directory(UnaryOperator<@Nullable String> property, UnaryOperator<@Nullable String> environment) {
        return value(property, "espalier.home")
                .or(() -> value(environment, "ESPALIER_HOME"))
                .map(Path::of)
                .orElseGet(() -> userCache(property, environment).resolve("espalier"))
                .toAbsolutePath();
    }

    private static Path userCache(
            UnaryOperator<@Nullable String> property, UnaryOperator<@Nullable String> environment) {
        var home = Path.of(value(property, "user.home").orElse("."));
        var system = value(property, "os.name").orElse("").toLowerCase(Locale.ROOT);
        if (system.startsWith("windows")) {
            return value(environment, "LOCALAPPDATA").map(Path::of).orElseGet(() -> home.resolve("AppData")
                    .resolve("Local"));
        }
        if (system.startsWith("mac")) {
            return home.resolve("Library").resolve("Caches");
        }
        // The XDG base directory specification: a relative path is invalid and is ignored.
        return value(environment, "XDG_CACHE_HOME")
                .map(Path::of)
                .filter(Path::isAbsolute)
                .orElseGet(() -> home.resolve(".cache"));
    }

    private static Optional<String> value(UnaryOperator<@Nullable String> source, String key) {
        return Optional.ofNullable(source.apply(key)).filter(text -> !text.isBlank());
    }
}
