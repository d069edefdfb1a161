package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.repository.RemoteRepository;
import org.eclipse.aether.resolution.ArtifactResolutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a repository in a folder: the settings make it the mirror of everything, so no network is used. */
class MavenArtifactsTest {
    private static final String PATH = "org/example/thing/1.0/thing-1.0.jar";

    private static final String OWN_REPOSITORY = "maven.repo.local";

    @TempDir
    Path root;

    private @Nullable String ownRepository;

    /** The build may run with a repository of its own, which goes before any settings. */
    @BeforeEach
    void forgetTheBuildsRepository() {
        ownRepository = System.clearProperty(OWN_REPOSITORY);
    }

    @AfterEach
    void restoreTheBuildsRepository() {
        if (ownRepository != null) {
            System.setProperty(OWN_REPOSITORY, ownRepository);
        }
    }

    @BeforeEach
    void publish() throws Exception {
        var jar = root.resolve("remote").resolve(PATH);
        Files.createDirectories(jar.getParent());
        Files.writeString(jar, "the jar");
        var sha1 = MessageDigest.getInstance("SHA-1").digest(Files.readAllBytes(jar));
        Files.writeString(Path.of(jar + ".sha1"), HexFormat.of().formatHex(sha1));
    }

    @Test
    void fetchesThroughTheMirrorIntoTheLocalRepository() throws Exception {
        settings("<mirrors>" + mirror("*") + "</mirrors>");
        var jar = new MavenArtifacts(read()).fetch(new DefaultArtifact("org.example:thing:jar:1.0"));
        assertThat(jar).isEqualTo(root.resolve("local").resolve(PATH)).hasContent("the jar");
    }

    @Test
    void theSettingsOfTheInstallationCountToo() throws Exception {
        settings("");
        Files.createDirectories(root.resolve("maven/conf"));
        Files.writeString(
                root.resolve("maven/conf/settings.xml"),
                "<settings><mirrors>" + mirror("central") + "</mirrors></settings>");
        var settings = MavenSettings.read(root, Optional.of(root.resolve("maven")));
        assertThat(new MavenArtifacts(settings).fetch(new DefaultArtifact("org.example:thing:jar:1.0")))
                .hasContent("the jar");
    }

    @Test
    void aRepositoryOfAnActiveProfileIsAsked() throws Exception {
        settings("<offline>false</offline><mirrors><mirror><id>none</id><mirrorOf>central</mirrorOf><url>"
                + root.resolve("nothing").toUri() + "</url></mirror></mirrors><profiles><profile><id>p</id>"
                + "<repositories><repository><id>own</id><url>"
                + root.resolve("remote").toUri()
                + "</url></repository></repositories></profile></profiles>"
                + "<activeProfiles><activeProfile>p</activeProfile></activeProfiles>");
        assertThat(new MavenArtifacts(read()).fetch(new DefaultArtifact("org.example:thing:jar:1.0")))
                .hasContent("the jar");
    }

    @Test
    void anArtifactThatIsNotThereIsAnError() throws Exception {
        settings("<mirrors>" + mirror("*") + "</mirrors>");
        var artifacts = new MavenArtifacts(read());
        assertThatThrownBy(() -> artifacts.fetch(new DefaultArtifact("org.example:thing:jar:2.0")))
                .isInstanceOf(ArtifactResolutionException.class)
                .hasMessageContaining("org.example:thing:jar:2.0");
    }

    @Test
    void aJarThatCannotBeFetchedIsSaidWithItsName() throws Exception {
        settings("<mirrors>" + mirror("*") + "</mirrors>");
        var artifacts = new MavenArtifacts(read());
        assertThat(MavenArtifact.jar(artifacts, "org.example", "thing", "1.0")).hasContent("the jar");
        assertThatThrownBy(() -> MavenArtifact.jar(artifacts, "org.example", "thing", "2.0"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("The jar org.example:thing:jar:2.0 could not be fetched through Maven")
                .hasMessageContaining("check the network");
    }

    @Test
    void aChecksumThatDoesNotMatchIsAnError() throws Exception {
        settings("<mirrors>" + mirror("*") + "</mirrors>");
        Files.writeString(root.resolve("remote").resolve(PATH), "another jar");
        var artifacts = new MavenArtifacts(read());
        assertThatThrownBy(() -> artifacts.fetch(new DefaultArtifact("org.example:thing:jar:1.0")))
                .isInstanceOf(ArtifactResolutionException.class)
                .hasMessageContaining("Checksum validation failed");
    }

    @Test
    void serversAndProxiesOfTheSettingsAreUsed() throws Exception {
        settings("<servers><server><id>central</id><username>u</username><password>p</password></server></servers>"
                + "<proxies><proxy><id>x</id><active>true</active><protocol>https</protocol><host>proxy.example</host>"
                + "<port>3128</port><nonProxyHosts>inside.example</nonProxyHosts></proxy></proxies>");
        var repository = new RemoteRepository.Builder("central", "default", "https://outside.example/").build();
        var inside = new RemoteRepository.Builder("in", "default", "https://inside.example/").build();
        assertThat(read().servers().getAuthentication(repository)).isNotNull();
        assertThat(read().servers().getAuthentication(inside)).isNull();
        assertThat(read().proxies().getProxy(repository).getHost()).isEqualTo("proxy.example");
        assertThat(read().proxies().getProxy(inside)).isNull();
    }

    @Test
    void settingsThatAreNotXmlAreSaid() throws IOException {
        Files.writeString(root.resolve("settings.xml"), "<settings><mirrors>");
        assertThatThrownBy(this::read)
                .isInstanceOf(InputException.class)
                .hasMessageContaining(root.resolve("settings.xml").toString());
    }

    @Test
    void settingsMayReferToTheEnvironment() throws IOException {
        Files.writeString(
                root.resolve("settings.xml"), "<settings><localRepository>${env.PATH}</localRepository></settings>");
        assertThat(read().localRepository()).isEqualTo(new File(System.getenv("PATH")));
    }

    @Test
    void aRepositoryOnTheCommandLineGoesBeforeTheSettings() throws IOException {
        Files.writeString(
                root.resolve("settings.xml"), "<settings><localRepository>there</localRepository></settings>");
        System.setProperty(OWN_REPOSITORY, "here");
        try {
            assertThat(read().localRepository()).isEqualTo(new File("here"));
        } finally {
            System.clearProperty(OWN_REPOSITORY);
        }
    }

    @Test
    void withoutSettingsTheDefaultsHold() {
        assertThat(read().localRepository())
                .isEqualTo(root.resolve("repository").toFile());
        assertThat(read().isOffline()).isFalse();
    }

    private MavenSettings read() {
        return MavenSettings.read(root, Optional.empty());
    }

    private String mirror(String of) {
        return "<mirror><id>folder</id><mirrorOf>" + of + "</mirrorOf><url>"
                + root.resolve("remote").toUri() + "</url></mirror>";
    }

    private void settings(String content) throws IOException {
        Files.writeString(
                root.resolve("settings.xml"),
                "<settings><localRepository>" + root.resolve("local") + "</localRepository>" + content + "</settings>");
    }
}
