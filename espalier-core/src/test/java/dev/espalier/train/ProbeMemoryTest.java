package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Measuring sensitivities takes no more memory than training LoRA. */
class ProbeMemoryTest {
    @TempDir
    Path folder;

    @Test
    void thePeakWhileProbingIsAtMostATenthAboveThatOfTrainingLora() throws IOException, InterruptedException {
        double exact = peak("exact");
        double blockwise = peak("blockwise");

        assertThat(exact).isLessThanOrEqualTo(1.1 * peak("train"));
        // Copies of the matrices in fp32 would add 42 MB, a tenth.
        assertThat(blockwise).isLessThanOrEqualTo(1.05 * exact);
    }

    /** Megabytes. */
    private double peak(String what) throws IOException, InterruptedException {
        var run = folder.resolve(what).toString();
        return MeasuredProcess.run(ProbeMemoryProcess.class, "all-minilm-l6-v2", run, what)
                .get(0)[0];
    }
}
