package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Native memory does not grow with steps. */
class LeakTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            classes = {LeakProcess.class, DecoderLeakProcess.class, SparseLeakProcess.class, PrefixLeakProcess.class})
    void threeHundredStepsLeaveAsManyNativeObjectsAndAsMuchMemory(Class<?> process)
            throws IOException, InterruptedException {
        var measured = train(process);
        assertThat(measured).hasSize(2);
        assertThat(measured.get(1)[0]).as("native objects").isEqualTo(measured.get(0)[0]);
        double before = measured.get(0)[1];
        assertThat((double) measured.get(1)[1]).as("resident bytes").isCloseTo(before, within(0.02 * before));
    }

    /**
     * {@code [objects, bytes]} after warm-up and at the end. The heap is whole from the start, and the optimizing
     * compiler is off: it takes some 20 MB once, at a time of its own choosing.
     */
    private List<long[]> train(Class<?> main) throws IOException, InterruptedException {
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xms192m",
                        "-Xmx192m",
                        "-XX:+AlwaysPreTouch",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        return lines.stream()
                .filter(line -> line.startsWith("MEASURED "))
                .map(line -> line.split(" "))
                .map(words -> new long[] {Long.parseLong(words[1]), Long.parseLong(words[2])})
                .toList();
    }
}
