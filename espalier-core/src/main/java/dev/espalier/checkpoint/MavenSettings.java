package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.maven.settings.Profile;
import org.apache.maven.settings.Repository;
import org.apache.maven.settings.Settings;
import org.apache.maven.settings.building.DefaultSettingsBuilderFactory;
import org.apache.maven.settings.building.DefaultSettingsBuildingRequest;
import org.apache.maven.settings.building.SettingsBuildingException;
import org.apache.maven.settings.crypto.DefaultSettingsDecrypter;
import org.apache.maven.settings.crypto.DefaultSettingsDecryptionRequest;
import org.eclipse.aether.repository.AuthenticationSelector;
import org.eclipse.aether.repository.MirrorSelector;
import org.eclipse.aether.repository.Proxy;
import org.eclipse.aether.repository.ProxySelector;
import org.eclipse.aether.util.repository.AuthenticationBuilder;
import org.eclipse.aether.util.repository.DefaultAuthenticationSelector;
import org.eclipse.aether.util.repository.DefaultMirrorSelector;
import org.eclipse.aether.util.repository.DefaultProxySelector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sonatype.plexus.components.cipher.DefaultPlexusCipher;
import org.sonatype.plexus.components.sec.dispatcher.DefaultSecDispatcher;

/**
 * The user's Maven settings ({@code ~/.m2/settings.xml} and those of the Maven installation where it is known), with
 * passwords decrypted, in the terms of Maven's resolver.
 */
final class MavenSettings {
    private static final Logger LOG = LoggerFactory.getLogger(MavenSettings.class);

    private final Path userFolder;
    private final Settings settings;

    private MavenSettings(Path userFolder, Settings settings) {
        this.userFolder = userFolder;
        this.settings = settings;
    }

    /**
     * Reads the settings of {@code userFolder} (usually {@code ~/.m2}) and of the installation {@code mavenHome}.
     *
     * @throws InputException if a file is there and cannot be understood
     */
    static MavenSettings read(Path userFolder, Optional<Path> mavenHome) {
        var request = new DefaultSettingsBuildingRequest()
                .setUserSettingsFile(userFolder.resolve("settings.xml").toFile())
                .setGlobalSettingsFile(mavenHome
                        .map(home ->
                                home.resolve("conf").resolve("settings.xml").toFile())
                        .orElse(null))
                .setSystemProperties(System.getProperties());
        try {
            var settings = new DefaultSettingsBuilderFactory()
                    .newInstance()
                    .build(request)
                    .getEffectiveSettings();
            decrypt(settings, userFolder.resolve("settings-security.xml"));
            return new MavenSettings(userFolder, settings);
        } catch (SettingsBuildingException e) {
            throw new InputException("Maven's settings cannot be read: " + e.getProblems() + ".", e);
        }
    }

    /** The settings of this user: {@code ~/.m2}, and the installation that runs this process or {@code MAVEN_HOME}. */
    static MavenSettings ofUser() {
        var home = Stream.of(System.getProperty("maven.home"), System.getenv("MAVEN_HOME"), System.getenv("M2_HOME"))
                .filter(Objects::nonNull)
                .filter(path -> !path.isBlank())
                .map(Path::of)
                .findFirst();
        return read(Path.of(System.getProperty("user.home"), ".m2"), home);
    }

    private static void decrypt(Settings settings, Path securityFile) {
        var dispatcher = new DefaultSecDispatcher(new DefaultPlexusCipher());
        dispatcher.setConfigurationFile(securityFile.toString());
        var result = new DefaultSettingsDecrypter(dispatcher).decrypt(new DefaultSettingsDecryptionRequest(settings));
        result.getProblems().forEach(problem -> LOG.warn("Maven's settings: {}", problem));
        settings.setServers(result.getServers());
        settings.setProxies(result.getProxies());
    }

    boolean isOffline() {
        return settings.isOffline();
    }

    /** {@code -Dmaven.repo.local}, else the settings' own, else {@code repository} in the user's folder. */
    File localRepository() {
        return Stream.of(System.getProperty("maven.repo.local"), settings.getLocalRepository())
                .filter(Objects::nonNull)
                .findFirst()
                .map(File::new)
                .orElseGet(() -> userFolder.resolve("repository").toFile());
    }

    /** The repositories of the profiles that the settings switch on, by name or by default. */
    List<Repository> repositories() {
        return settings.getProfiles().stream()
                .filter(this::isActive)
                .flatMap(profile -> profile.getRepositories().stream())
                .toList();
    }

    private boolean isActive(Profile profile) {
        return settings.getActiveProfiles().contains(profile.getId())
                || (profile.getActivation() != null && profile.getActivation().isActiveByDefault());
    }

    MirrorSelector mirrors() {
        var mirrors = new DefaultMirrorSelector();
        settings.getMirrors()
                .forEach(mirror -> mirrors.add(
                        mirror.getId(),
                        mirror.getUrl(),
                        mirror.getLayout(),
                        false,
                        mirror.isBlocked(),
                        mirror.getMirrorOf(),
                        mirror.getMirrorOfLayouts()));
        return mirrors;
    }

    ProxySelector proxies() {
        var proxies = new DefaultProxySelector();
        settings.getProxies().stream()
                .filter(org.apache.maven.settings.Proxy::isActive)
                .forEach(proxy -> proxies.add(
                        new Proxy(
                                proxy.getProtocol(),
                                proxy.getHost(),
                                proxy.getPort(),
                                login(proxy.getUsername(), proxy.getPassword()).build()),
                        proxy.getNonProxyHosts()));
        return proxies;
    }

    AuthenticationSelector servers() {
        var servers = new DefaultAuthenticationSelector();
        settings.getServers()
                .forEach(server -> servers.add(
                        server.getId(),
                        login(server.getUsername(), server.getPassword())
                                .addPrivateKey(server.getPrivateKey(), server.getPassphrase())
                                .build()));
        return servers;
    }

    private static AuthenticationBuilder login(@Nullable String username, @Nullable String password) {
        return new AuthenticationBuilder().addUsername(username).addPassword(password);
    }
}
