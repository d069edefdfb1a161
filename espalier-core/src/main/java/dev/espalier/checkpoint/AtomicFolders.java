package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.UUID;

/**
 * Replaces folders as a whole: the new content goes to a temporary folder beside the target, the former one steps aside
 * as {@code NAME.former}, and the new one takes its name. If the process dies between these two renames,
 * {@link #recover} brings the former one back.
 */
public final class AtomicFolders {
    private AtomicFolders() {}

    /**
     * Creates or replaces {@code target} by what {@code writer} writes into the empty folder it is given. Missing parent
     * folders are made; a target that is a symbolic link stays one, the folder it points to is replaced.
     *
     * @throws InputException if anything fails (a full disk, say); the folder that was there before is as it was
     */
    public static void write(Path target, IoConsumer<Path> writer) {
        recover(target);
        try {
            var destination = Files.isSymbolicLink(target) ? target.toRealPath() : target.toAbsolutePath();
            if (Files.exists(destination) && !Files.isDirectory(destination)) {
                throw new InputException(target + " is a file, not a folder; choose another place.");
            }
            Files.createDirectories(AtomicFiles.folderOf(destination));
            var temporary = destination.resolveSibling(destination.getFileName() + "." + UUID.randomUUID() + ".tmp");
            try {
                Files.createDirectory(temporary);
                writer.accept(temporary);
                swap(temporary, destination);
            } finally {
                delete(temporary);
            }
        } catch (IOException e) {
            throw new InputException(
                    "Cannot write folder " + target + ": " + AtomicFiles.reason(e)
                            + "; what was there before is unchanged, so make room or choose another folder and run"
                            + " again.",
                    e);
        }
    }

    /** Brings the folder back that a process left aside when it died while it replaced {@code target}. */
    public static void recover(Path target) {
        var former = former(target.toAbsolutePath());
        if (Files.isDirectory(former) && !Files.exists(target)) {
            try {
                Files.move(former, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                throw new InputException(
                        "Cannot rename " + former + " to " + target + ": " + AtomicFiles.reason(e)
                                + "; an earlier save was cut off there, so rename it by hand.",
                        e);
            }
        }
    }

    private static Path former(Path target) {
        return target.resolveSibling(target.getFileName() + ".former");
    }

    private static void swap(Path temporary, Path destination) throws IOException {
        var former = former(destination);
        boolean existed = Files.exists(destination);
        if (existed) {
            delete(former);
            Files.move(destination, former, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(temporary, destination, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (existed) {
                Files.move(former, destination, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
        }
        delete(former);
    }

    /**
     * Deletes {@code target} with all that is in it; nothing happens where there is none.
     *
     * @throws InputException if something in it cannot be deleted
     */
    public static void remove(Path target) {
        try {
            delete(target);
        } catch (IOException e) {
            throw new InputException(
                    "Cannot delete folder " + target + ": " + AtomicFiles.reason(e) + "; delete what is left of it.",
                    e);
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
}
