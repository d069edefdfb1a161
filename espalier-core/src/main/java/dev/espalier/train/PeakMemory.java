package dev.espalier.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
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

    /** Begins anew; what earlier work no longer needs is given back first, as far as the system takes it. */
    public void start() {
        System.gc();
        Pointer.trimMemory();
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

    /** How much it is now, in megabytes of 1,000,000 bytes. */
    public double sample() {
        long now = status("VmRSS:").orElseGet(Pointer::physicalBytes);
        sampled = Math.max(sampled, now);
        return now / MEGABYTE;
    }

    /** The peak, in megabytes of 1,000,000 bytes. */
    public double megabytes() {
        sample();
        return status("VmHWM:").orElse(sampled) / MEGABYTE;
    }

    /** What Linux says of this process, in bytes. */
    private static OptionalLong status(String field) {
        if (!Files.exists(STATUS)) {
            return OptionalLong.empty();
        }
        try (var lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(field))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}
