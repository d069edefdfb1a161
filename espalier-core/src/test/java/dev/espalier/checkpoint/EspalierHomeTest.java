package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EspalierHomeTest {
    private static final Path ROOT = Path.of("/").toAbsolutePath();

    @Test
    void theSystemPropertyWins() {
        assertThat(home(
                        Map.of("espalier.home", absolute("property"), "os.name", "Linux"),
                        Map.of("ESPALIER_HOME", absolute("environment"))))
                .isEqualTo(ROOT.resolve("property"));
    }

    @Test
    void theEnvironmentComesSecond() {
        assertThat(home(Map.of("os.name", "Linux"), Map.of("ESPALIER_HOME", absolute("environment"))))
                .isEqualTo(ROOT.resolve("environment"));
    }

    @Test
    void anEmptyVariableIsNoVariable() {
        assertThat(home(Map.of("os.name", "Linux", "user.home", absolute("u")), Map.of("ESPALIER_HOME", " ")))
                .isEqualTo(ROOT.resolve("u/.cache/espalier"));
    }

    @Test
    void linuxFollowsTheBaseDirectorySpecification() {
        var properties = Map.of("os.name", "Linux", "user.home", absolute("u"));
        assertThat(home(properties, Map.of("XDG_CACHE_HOME", absolute("x")))).isEqualTo(ROOT.resolve("x/espalier"));
        assertThat(home(properties, Map.of("XDG_CACHE_HOME", "relative"))).isEqualTo(ROOT.resolve("u/.cache/espalier"));
    }

    @Test
    void macosAndWindowsHaveTheirOwnCaches() {
        assertThat(home(Map.of("os.name", "Mac OS X", "user.home", absolute("u")), Map.of()))
                .isEqualTo(ROOT.resolve("u/Library/Caches/espalier"));
        assertThat(home(Map.of("os.name", "Windows 11"), Map.of("LOCALAPPDATA", absolute("local"))))
                .isEqualTo(ROOT.resolve("local/espalier"));
        assertThat(home(Map.of("os.name", "Windows 11", "user.home", absolute("u")), Map.of()))
                .isEqualTo(ROOT.resolve("u/AppData/Local/espalier"));
    }

    private static String absolute(String name) {
        return ROOT.resolve(name).toString();
    }

    private static Path home(Map<String, String> properties, Map<String, String> environment) {
        return EspalierHome.directory(properties::get, environment::get);
    }
}
