package dev.espalier.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CachedFolderTest {
    @TempDir
    Path root;

    @Test
    void fourThreadsBuildOnce() throws Exception {
        var threads = Executors.newFixedThreadPool(4);
        try {
            List<Callable<Path>> tasks = new ArrayList<>();
            for (var i = 0; i < 4; i++) {
                tasks.add(() -> CachedFolderProcess.obtain(root));
            }
            for (var folder : threads.invokeAll(tasks)) {
                assertThat(folder.get().resolve("b")).hasContent("b");
            }
        } finally {
            threads.shutdown();
        }
        assertThat(root.resolve("builds.log")).hasContent("built\n");
    }

    @Test
    void threeProcessesBuildOnce() throws Exception {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<Process> processes = new ArrayList<>();
        for (var i = 0; i < 3; i++) {
            processes.add(new ProcessBuilder(
                            java,
                            "-cp",
                            System.getProperty("java.class.path"),
                            CachedFolderProcess.class.getName(),
                            root.toString())
                    .inheritIO()
                    .start());
        }
        for (var process : processes) {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        }
        assertThat(root.resolve("builds.log")).hasContent("built\n");
        assertThat(root.resolve("model/b")).hasContent("b");
    }

    @Test
    void aFailedBuildLeavesNothingAndCanBeTriedAgain() throws IOException {
        var model = root.resolve("model");
        assertThatThrownBy(() -> CachedFolder.obtain(model, List.of("a"), folder -> {
                    Files.writeString(folder.resolve("a"), "half");
                    throw new IOException("No space left on device");
                }))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("Cannot make " + model + ": No space left on device;");
        try (var left = Files.list(root)) {
            assertThat(left).extracting(Path::getFileName).containsExactly(Path.of("model.lock"));
        }
        CachedFolder.obtain(model, List.of("a"), folder -> Files.writeString(folder.resolve("a"), "whole"));
        assertThat(model.resolve("a")).hasContent("whole");
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAndAnIncompleteFolderIsBuiltAgain() throws IOException {
        Files.createDirectories(root.resolve("model.1234.tmp/sub"));
        Files.createDirectories(root.resolve("model"));
        Files.writeString(root.resolve("model/b"), "old");
        CachedFolderProcess.obtain(root);
        assertThat(root.resolve("model.1234.tmp")).doesNotExist();
        assertThat(root.resolve("model/a")).exists();
        assertThat(root.resolve("model/b")).hasContent("b");
    }
}
