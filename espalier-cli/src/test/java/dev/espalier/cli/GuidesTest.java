package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs the shell blocks of the guides as a reader would, in an empty folder. */
class GuidesTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern BLOCK = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

    static List<Path> guides() throws IOException {
        try (var files = Files.list(ROOT.resolve("docs"))) {
            return files.filter(Files::isRegularFile)
                    .filter(GuidesTest::hasCommands)
                    .sorted()
                    .toList();
        }
    }

    private static boolean hasCommands(Path guide) {
        try {
            return BLOCK.matcher(Files.readString(guide)).find();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("guides")
    void everyCommandOfTheGuideWorks(Path guide, @TempDir Path folder) throws IOException, InterruptedException {
        var shell = Path.of("/bin/sh");
        assumeTrue(Files.isExecutable(shell), "the guides' commands are for a POSIX shell");
        prepare(folder);
        var script = new StringBuilder("set -e\n");
        var blocks = BLOCK.matcher(Files.readString(guide));
        while (blocks.find()) {
            script.append(blocks.group(1));
        }
        var output = folder.resolve("output.txt");
        var process = new ProcessBuilder(shell.toString(), "-c", script.toString())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = process.waitFor(20, TimeUnit.MINUTES);
        if (!ended) {
            process.destroyForcibly();
        }
        assertThat(ended && process.exitValue() == 0)
                .as(Files.readString(output, StandardCharsets.UTF_8))
                .isTrue();
    }

    /** The examples, and a launcher that runs the classes under test. */
    private static void prepare(Path folder) throws IOException {
        try (var examples = Files.walk(ROOT.resolve("examples"))) {
            for (var example : examples.toList()) {
                Files.copy(example, folder.resolve(ROOT.relativize(example).toString()));
            }
        }
        var java = Path.of(System.getProperty("java.home"), "bin", "java");
        var launcher = folder.resolve("espalier");
        Files.writeString(
                launcher,
                "#!/bin/sh\nexec '" + java + "' -Despalier.home='" + System.getProperty("espalier.home") + "' -cp '"
                        + System.getProperty("java.class.path") + "' dev.espalier.cli.Main \"$@\"\n");
        assertThat(launcher.toFile().setExecutable(true)).isTrue();
    }
}
