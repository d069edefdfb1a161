package dev.espalier.train;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code metrics.jsonl}: an object a line, each with {@code kind} and {@code step}. Lines are only added; a resumed run
 * first takes off what was written after the saved state, so that it writes what an uninterrupted run writes.
 */
final class MetricsLog implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    /**
     * Opens the log to go on after its first {@code length} bytes; the rest is cut off.
     *
     * @throws InputException if it cannot be written, or is shorter than that
     */
    MetricsLog(Path file, long length) {
        this.file = file;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (channel.size() < length) {
                throw new InputException(
                        file + " has " + channel.size() + " bytes, but the saved state was written after " + length
                                + "; it was changed since, so the run cannot be resumed.");
            }
            channel.truncate(length).position(length);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Adds a line; {@code values} come after kind and step, in their order. */
    void write(String kind, int step, Map<String, ?> values) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("kind", kind);
        line.put("step", step);
        line.putAll(values);
        var bytes = ByteBuffer.wrap((Json.mapper().writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Brings all lines to the disk and says how many bytes they are. */
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
