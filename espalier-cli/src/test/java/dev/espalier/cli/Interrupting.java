package dev.espalier.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Takes lines, and at one of them interrupts this process as Ctrl-C does. */
final class Interrupting extends PrintWriter {
    private final List<String> lines = Collections.synchronizedList(new ArrayList<>());
    private final String beginning;
    private int times;

    List<String> lines() {
        return List.copyOf(lines);
    }

    /** @param times how often a line with that beginning comes until the interrupt */
    Interrupting(String beginning, int times) {
        super(new StringWriter());
        this.beginning = beginning;
        this.times = times;
    }

    @Override
    public void println(String line) {
        lines.add(line);
        if (line.startsWith(beginning) && --times == 0) {
            interrupt();
        }
    }

    private void interrupt() {
        try {
            new ProcessBuilder(
                            "/bin/sh",
                            "-c",
                            "kill -INT " + ProcessHandle.current().pid())
                    .start()
                    .waitFor();
            for (int wait = 0; wait < 1000 && lines().stream().noneMatch(said -> said.startsWith("Stopping")); wait++) {
                Thread.sleep(10);
            }
            // The line comes just before the run is told.
            Thread.sleep(100);
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
