package dev.espalier.train;

import dev.espalier.error.InputException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that is only added to; a resumed run first takes off what was written after the saved state. */
final class GrowingFile implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    /**
     * Opens the file to go on after its first {@code length} bytes; the rest is cut off.
     *
     * @throws InputException if it cannot be written, or is shorter than that
     */
    GrowingFile(Path file, long length) {
        this.file = file;
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (channel.size() < length) {
                long size = channel.size();
                channel.close();
                throw new InputException(file + " has " + size + " bytes, but the saved state was written after "
                        + length + "; it was changed since, so the run cannot be resumed.");
            }
            channel.truncate(length).position(length);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    void add(byte[] content) {
        try {
            Channels.newOutputStream(channel).write(content);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Brings all to the disk and says how many bytes they are. */
    long flush() {
        try {
            channel.force(true);
            return channel.position();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private InputException failed(IOException e) {
        return new InputException(
                "Cannot write " + file + ": " + e.getMessage()
                        + "; the last saved state is as it was: make room and resume the run.",
                e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }
}
