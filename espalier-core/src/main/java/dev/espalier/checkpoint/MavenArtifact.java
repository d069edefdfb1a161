package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.nio.file.Path;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.resolution.ArtifactResolutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Jars that are read as data when something asks for them, and that no build depends on. */
public final class MavenArtifact {
    private static final Logger LOG = LoggerFactory.getLogger(MavenArtifact.class);

    private MavenArtifact() {}

    /**
     * The jar alone, without its dependencies, from the user's local Maven repository; fetched into it first, with the
     * user's own Maven settings, if it is not there.
     *
     * @throws InputException if it cannot be fetched, or is not what the repository's checksum says
     */
    public static Path jar(String groupId, String artifactId, String version) {
        return jar(new MavenArtifacts(MavenSettings.ofUser()), groupId, artifactId, version);
    }

    static Path jar(MavenArtifacts artifacts, String groupId, String artifactId, String version) {
        var artifact = new DefaultArtifact(groupId, artifactId, "jar", version);
        LOG.info("Getting {} through Maven", artifact);
        try {
            return artifacts.fetch(artifact);
        } catch (ArtifactResolutionException e) {
            throw new InputException(
                    "The jar " + artifact + " could not be fetched through Maven (" + e.getMessage()
                            + "): check the network and Maven's settings.",
                    e);
        }
    }
}
