package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Runs that are stopped on their way, and what must be the same of one that was resumed and one that was not. */
final class StoppedRuns {
    private StoppedRuns() {}

    /** Begins a run and stops it after step {@code at}; the losses. */
    static List<Double> begin(Training training, Path run, int at) {
        return stop(training, run, at, false);
    }

    /** Resumes a run and stops it again after step {@code at}; the losses. */
    static List<Double> goOn(Training training, Path run, int at) {
        return stop(training, run, at, true);
    }

    private static List<Double> stop(Training training, Path run, int at, boolean resume) {
        var trainers = new ArrayList<Trainer>(); // the listener is there before its trainer
        var losses = new Losses(step -> {
            if (step == at) {
                trainers.get(0).stop();
            }
        });
        trainers.add(training.listener(losses).trainer(run));
        var result = resume ? trainers.get(0).resume() : trainers.get(0).run();
        assertThat(result.stopped()).isTrue();
        assertThat(result.step()).isEqualTo(at);
        return losses.all();
    }

    static void assertSameAdapters(Path expected, Path actual) {
        for (var file : List.of("adapter/adapter_model.safetensors", "adapter/adapter_config.json")) {
            assertThat(actual.resolve(file)).hasSameBinaryContentAs(expected.resolve(file));
        }
    }

    static void assertSame(Path expected, Path actual) throws IOException {
        assertSameAdapters(expected, actual);
        assertThat(lines(actual)).isEqualTo(lines(expected));
    }

    /** The lines of a run's metrics without what is measured of the machine. */
    static List<String> lines(Path run) throws IOException {
        var lines = new ArrayList<String>();
        for (var line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
            var object = (ObjectNode) Json.mapper().readTree(line);
            object.remove(List.of(
                    "tokens_per_second", "seconds", "train_seconds", "memory_mb", "peak_memory_mb", "probe_memory_mb"));
            lines.add(object.toString());
        }
        return lines;
    }
}
