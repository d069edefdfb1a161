package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A Java process that measures its own memory. The heap is whole from the start, and the optimizing compiler is off, which
 * takes some 20 MB once, at a time of its own choosing: so only native memory differs.
 */
final class MeasuredProcess {
    private static final String MEASURED = "MEASURED ";

    private MeasuredProcess() {}

    /** The numbers of every line that begins with {@code MEASURED}. */
    static List<double[]> run(Class<?> main, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xms192m", "-Xmx192m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1"));
        command.add("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"); // the limit goes by the heap, which is small here
        Optional.ofNullable(System.getProperty("espalier.home"))
                .ifPresent(home -> command.add("-Despalier.home=" + home));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        return lines.stream()
                .filter(line -> line.startsWith(MEASURED))
                .map(line -> Arrays.stream(line.substring(MEASURED.length()).split(" "))
                        .mapToDouble(Double::parseDouble)
                        .toArray())
                .toList();
    }
}
