package dev.espalier.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.maven.model.Repository;
import org.apache.maven.model.io.xpp3.MavenXpp3Reader;
import org.codehaus.plexus.util.xml.pull.XmlPullParserException;
import org.eclipse.aether.artifact.Artifact;
import org.eclipse.aether.repository.RemoteRepository;
import org.eclipse.aether.repository.RepositoryPolicy;
import org.eclipse.aether.resolution.ArtifactRequest;
import org.eclipse.aether.resolution.ArtifactResolutionException;
import org.eclipse.aether.supplier.RepositorySystemSupplier;
import org.eclipse.aether.supplier.SessionBuilderSupplier;

/**
 * Fetches single artifacts as the user's Maven would: the same local repository, mirrors, proxies and servers. Where
 * the settings name no repository, it is the one of Maven's own super POM.
 */
final class MavenArtifacts {
    /** Would fetch the repository's whole list of groups first, which is no help for one artifact. */
    private static final String PREFIX_FILTER = "aether.remoteRepositoryFilter.prefixes";

    private final MavenSettings settings;

    MavenArtifacts(MavenSettings settings) {
        this.settings = settings;
    }

    /**
     * The file of {@code artifact} alone, without its dependencies, from the local repository or fetched into it.
     * Checksums that do not match are failures.
     */
    Path fetch(Artifact artifact) throws ArtifactResolutionException {
        try (var system = new RepositorySystemSupplier().get();
                var session = new SessionBuilderSupplier(system)
                        .get()
                        .withLocalRepositoryBaseDirectories(
                                settings.localRepository().toPath())
                        .setSystemProperties(System.getProperties())
                        .setConfigProperty(PREFIX_FILTER, false)
                        .setOffline(settings.isOffline())
                        .setChecksumPolicy(RepositoryPolicy.CHECKSUM_POLICY_FAIL)
                        .setMirrorSelector(settings.mirrors())
                        .setProxySelector(settings.proxies())
                        .setAuthenticationSelector(settings.servers())
                        .build()) {
            var repositories = system.newResolutionRepositories(session, repositories());
            return system.resolveArtifact(session, new ArtifactRequest(artifact, repositories, null))
                    .getArtifact()
                    .getPath();
        }
    }

    private List<RemoteRepository> repositories() {
        var own = settings.repositories().stream()
                .map(repository -> remote(repository.getId(), repository.getLayout(), repository.getUrl()));
        var standard = superPom().stream()
                .map(repository -> remote(repository.getId(), repository.getLayout(), repository.getUrl()));
        return Stream.concat(own, standard).toList();
    }

    private static RemoteRepository remote(String id, String layout, String url) {
        return new RemoteRepository.Builder(id, layout, url).build();
    }

    private static List<Repository> superPom() {
        var resource = "/org/apache/maven/model/pom-4.0.0.xml";
        try (var in = Objects.requireNonNull(MavenXpp3Reader.class.getResourceAsStream(resource), resource)) {
            return new MavenXpp3Reader().read(in).getRepositories();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (XmlPullParserException e) {
            throw new IllegalStateException(resource, e);
        }
    }
}
