package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

    /** Megabytes; the heap is whole from the start, so that only native memory differs. */
    private double peak(String what) throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xms192m", "-Xmx192m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1"));
        command.add("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"); // the limit goes by the heap, which is small here
        Optional.ofNullable(System.getProperty("espalier.home"))
                .ifPresent(home -> command.add("-Despalier.home=" + home));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ProbeMemoryProcess.class.getName()));
        command.addAll(List.of("all-minilm-l6-v2", folder.resolve(what).toString(), what));
        var process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        return lines.stream()
                .filter(line -> line.startsWith("MEASURED "))
                .mapToDouble(line -> Double.parseDouble(line.substring("MEASURED ".length())))
                .findFirst()
                .orElseThrow();
    }
}
