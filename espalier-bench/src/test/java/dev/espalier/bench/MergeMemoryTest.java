package dev.espalier.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A merge takes no more memory than the benchmark states. */
class MergeMemoryTest {
    /** All changes at once would be 1,132 MB, and the bound is 196 MB. */
    @Test
    void thePeakWhileTwentyAdaptersAreMergedIsWithinTheBound() throws IOException, InterruptedException {
        var measured = measured();
        assertThat(measured.get(0)).isPositive().isLessThanOrEqualTo(measured.get(1));
        assertThat(measured.get(1)).isLessThan(200);
    }

    /** Peak and bound, in megabytes; the heap is whole from the start, so that only native memory differs. */
    private static List<Double> measured() throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xms192m", "-Xmx192m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1"));
        command.add("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"); // the limit goes by the heap, which is small here
        Optional.ofNullable(System.getProperty("espalier.home"))
                .ifPresent(home -> command.add("-Despalier.home=" + home));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), MergeMemoryProcess.class.getName()));
        var process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        return lines.stream()
                .filter(line -> line.startsWith("MEASURED "))
                .map(line -> line.substring("MEASURED ".length()).split(" "))
                .map(numbers -> Arrays.stream(numbers).map(Double::valueOf).toList())
                .findFirst()
                .orElseThrow();
    }
}
