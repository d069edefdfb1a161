package dev.espalier.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints; the build fills the resource in. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        var versions = properties();
        return new String[] {
            "Espalier " + versions.getProperty("espalier"),
            "libtorch " + versions.getProperty("libtorch") + " for " + versions.getProperty("platform"),
            "Java " + System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ")"
        };
    }

    /** {@code espalier}, {@code libtorch} and {@code platform}. */
    static Properties properties() {
        var versions = new Properties();
        try (var resource = Version.class.getResourceAsStream("version.properties")) {
            versions.load(resource);
        } catch (IOException e) {
            throw new UncheckedIOException("version.properties cannot be read", e);
        }
        return versions;
    }
}
