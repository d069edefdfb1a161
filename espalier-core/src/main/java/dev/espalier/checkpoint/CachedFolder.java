package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/**
 * A folder that is built once and then only read, by any number of processes: whoever takes the lock file builds in a
 * temporary folder beside it and renames that in one step, the others wait and find it whole.
 */
final class CachedFolder {
    private static final long LOCK_RETRY_MILLIS = 50;

    private CachedFolder() {}

    /**
     * Returns {@code folder}, built first by {@code builder} (into the path it is given) unless all of {@code files}
     * are there.
     *
     * @throws InputException if it cannot be built; nothing is left behind then
     */
    static Path obtain(Path folder, List<String> files, IoConsumer<Path> builder) {
        if (isComplete(folder, files)) {
            return folder;
        }
        try {
            Files.createDirectories(AtomicFiles.folderOf(folder));
            var lockFile = folder.resolveSibling(folder.getFileName() + ".lock");
            try (var channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var lock = lock(channel)) {
                if (lock.isValid() && !isComplete(folder, files)) {
                    build(folder, builder);
                }
            }
        } catch (IOException e) {
            throw new InputException(
                    "Cannot make " + folder + ": " + AtomicFiles.reason(e)
                            + "; point ESPALIER_HOME at a folder that you may write to and that has room, or make room there.",
                    e);
        }
        return folder;
    }

    private static boolean isComplete(Path folder, List<String> files) {
        return files.stream().map(folder::resolve).allMatch(Files::exists);
    }

    private static void build(Path folder, IoConsumer<Path> builder) throws IOException {
        deleteUnfinished(folder);
        var temporary = folder.resolveSibling(folder.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            Files.createDirectory(temporary);
            builder.accept(temporary);
            delete(folder);
            Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            delete(temporary);
        }
    }

    /** What a process that was killed left; nobody else builds while the lock is held. */
    private static void deleteUnfinished(Path folder) throws IOException {
        var prefix = folder.getFileName() + ".";
        try (var siblings = Files.list(AtomicFiles.folderOf(folder))) {
            for (var sibling : siblings.toList()) {
                var name = String.valueOf(sibling.getFileName());
                if (name.startsWith(prefix) && name.endsWith(".tmp")) {
                    delete(sibling);
                }
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (var tree = Files.walk(folder)) {
            for (var path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** Waits for the lock: other processes block in the kernel, other threads of this one are told apart by the JDK. */
    private static FileLock lock(FileChannel channel) throws IOException {
        while (true) {
            try {
                return channel.lock();
            } catch (OverlappingFileLockException e) {
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOCK_RETRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InputException("Interrupted while another thread prepares a model.", e);
        }
    }
}
