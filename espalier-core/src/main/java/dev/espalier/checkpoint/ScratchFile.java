package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Tensor;

/**
 * A file in which one process keeps tensors for itself, as they are in memory: gone when it is closed or the process ends,
 * however it ends; on Linux and macOS it has no name in its folder even before. Several threads may read and write at once,
 * at places of their own.
 */
public final class ScratchFile implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;

    /**
     * Creates the file; its folder must be there.
     *
     * @throws InputException if it cannot be written
     */
    public ScratchFile(Path path) {
        this.path = path;
        try {
            channel = FileChannel.open(
                    path,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /**
     * Looks for room before anything is written.
     *
     * @param path of the file, whose folder need not be there yet
     * @throws InputException if the disk has fewer than {@code bytes} bytes left
     */
    public static void requireRoom(Path path, long bytes) {
        var folder = AtomicFiles.folderOf(path);
        while (!Files.exists(folder) && folder.getParent() != null) {
            folder = folder.getParent();
        }
        long room;
        try {
            room = Files.getFileStore(folder).getUsableSpace();
        } catch (IOException e) {
            throw new InputException(
                    "Cannot tell how much room is in " + folder + ": " + AtomicFiles.reason(e) + ".", e);
        }
        if (room < bytes) {
            throw new InputException(String.format(
                    Locale.ROOT,
                    "%s would take %,d MB, but %,d MB are free there; make room, or choose another folder.",
                    path,
                    (bytes + 999_999) / 1_000_000,
                    room / 1_000_000));
        }
    }

    /**
     * Writes the numbers of {@code tensor}, row-major, from {@code offset} on.
     *
     * @throws InputException if the disk is full, or fails
     */
    public void write(long offset, Tensor tensor) {
        try (var scope = Scope.open()) {
            var bytes = bytes(tensor.contiguous());
            for (long at = offset; bytes.hasRemaining(); ) {
                at += channel.write(bytes, at);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /**
     * Fills {@code tensor} from {@code offset} on.
     *
     * @param tensor without gaps
     * @throws InputException if the file ends before, or the disk fails
     */
    public void read(long offset, Tensor tensor) {
        if (!tensor.is_contiguous()) {
            throw new IllegalArgumentException("a tensor with gaps cannot be read into");
        }
        try (var scope = Scope.open()) {
            var bytes = bytes(tensor);
            for (long at = offset; bytes.hasRemaining(); ) {
                int count = channel.read(bytes, at);
                if (count < 0) {
                    throw new InputException(path + " ends at byte " + at
                            + ", before what was written to it: did something" + " else change it?");
                }
                at += count;
            }
        } catch (IOException e) {
            throw MappedFile.unreadable(path, e);
        }
    }

    /** The memory of a tensor, which must outlive it. */
    private static ByteBuffer bytes(Tensor tensor) {
        var data = new BytePointer(tensor.data_ptr());
        return data.capacity(tensor.numel() * tensor.element_size()).asByteBuffer();
    }

    private InputException unwritable(IOException e) {
        return new InputException(
                "Cannot write " + path + ": " + AtomicFiles.reason(e) + AtomicFiles.free(path)
                        + "; make room or choose another folder.",
                e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }
}
