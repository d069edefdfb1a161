package dev.espalier.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;

/**
 * The most memory that the process had since {@link #start}, heap and native memory together. Linux keeps the peak
 * itself and lets it be reset; elsewhere {@link #sample} takes the largest of the sizes it sees.
 */
public final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path RESET = Path.of("/proc/self/clear_refs");
    private static final double MEGABYTE = 1e6;

    private long sampled;

    /** Begins anew. */
    public void start() {
        sampled = 0;
        if (Files.isWritable(RESET)) {
            try {
                Files.writeString(RESET, "5");
            } catch (IOException e) {
                // Not allowed here: the peak is then that of the whole process so far.
                return;
            }
        }
    }

    /** Looks at how much it is now. */
    public void sample() {
        if (!Files.exists(STATUS)) {
            sampled = Math.max(sampled, Pointer.physicalBytes());
        }
    }

    /** Megabytes of 1,000,000 bytes. */
    public double megabytes() {
        try {
            for (var line : Files.readAllLines(STATUS)) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / MEGABYTE;
                }
            }
        } catch (IOException e) {
            sample();
        }
        return sampled / MEGABYTE;
    }
}
