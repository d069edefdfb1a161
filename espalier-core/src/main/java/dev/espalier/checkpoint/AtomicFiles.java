package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.UUID;

/**
 * Replaces files so that a reader sees the former content or the new one, never a part: the new content goes to a
 * temporary file in the same folder, is forced to disk and then renamed over the target.
 */
public final class AtomicFiles {
    private AtomicFiles() {}

    /**
     * Creates or replaces {@code target} by what {@code writer} writes to the temporary path it is given. Missing parent
     * folders are made; a target that is a symbolic link stays one, the file it points to is replaced.
     *
     * @throws InputException if anything fails (a full disk, say); the temporary file is removed then, and the file that
     *     was there before is as it was
     */
    public static void write(Path target, IoConsumer<Path> writer) {
        try {
            var destination = Files.isSymbolicLink(target) ? target.toRealPath() : target.toAbsolutePath();
            // Not Files.createTempFile: its permissions are the owner's alone, and the rename would keep them.
            var temporary = destination.resolveSibling(destination.getFileName() + "." + UUID.randomUUID() + ".tmp");
            Files.createDirectories(folderOf(destination));
            try {
                writer.accept(temporary);
                force(temporary, StandardOpenOption.WRITE);
                Files.move(temporary, destination, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(temporary);
            }
            forceFolder(folderOf(destination));
        } catch (IOException e) {
            throw new InputException(
                    "Cannot write " + target + ": " + reason(e) + free(target)
                            + "; a file that was there before is unchanged, so make room or choose another folder and"
                            + " run again.",
                    e);
        }
    }

    /** Creates or replaces {@code target} by {@code text} in UTF-8; see {@link #write}. */
    public static void writeString(Path target, String text) {
        write(target, temporary -> Files.writeString(temporary, text));
    }

    static Path folderOf(Path file) {
        var parent = file.toAbsolutePath().getParent();
        return parent == null ? file.toAbsolutePath() : parent;
    }

    /** What went wrong, without the path that some messages of the JDK consist of. */
    static String reason(IOException e) {
        if (e instanceof java.nio.file.NoSuchFileException) {
            return "no such file";
        }
        if (e instanceof java.nio.file.AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof java.nio.file.FileSystemException f && f.getReason() != null) {
            return f.getReason();
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /** How much room is left there, as the end of a sentence; empty where that is not known. */
    static String free(Path target) {
        try {
            var bytes = Files.getFileStore(folderOf(target)).getUsableSpace();
            return String.format(Locale.ROOT, " (%,d MB free there)", bytes / 1_000_000);
        } catch (IOException e) {
            return "";
        }
    }

    private static void force(Path path, StandardOpenOption access) throws IOException {
        try (var channel = FileChannel.open(path, access)) {
            channel.force(true);
        }
    }

    /** The rename itself reaches the disk with its folder; Windows has no such call, and needs none. */
    private static void forceFolder(Path folder) {
        try {
            force(folder, StandardOpenOption.READ);
        } catch (IOException e) {
            // The file is whole either way: after a power cut at this instant it is the former one.
            return;
        }
    }
}
