package dev.espalier.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Asks for one cached folder, as a process of its own; each build adds a line to a log. */
final class CachedFolderProcess {
    private CachedFolderProcess() {}

    public static void main(String[] args) {
        obtain(Path.of(args[0]));
    }

    static Path obtain(Path root) {
        return CachedFolder.obtain(root.resolve("model"), List.of("a", "b"), folder -> {
            Files.writeString(
                    root.resolve("builds.log"), "built\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            Files.writeString(folder.resolve("a"), "a");
            // Long enough that whoever does not wait for the lock builds a second time.
            try {
                Thread.sleep(500);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            Files.writeString(folder.resolve("b"), "b");
        });
    }
}
