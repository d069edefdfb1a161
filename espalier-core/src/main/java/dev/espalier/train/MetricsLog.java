package dev.espalier.train;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.report.CsvLines;
import dev.espalier.report.JsonLines;
import dev.espalier.report.MetricsFormat;
import dev.espalier.report.MetricsRecord;
import dev.espalier.report.TensorBoardEvents;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.type.TypeReference;

/**
 * The metrics of a run, in {@code metrics.jsonl} and whatever other formats its options ask for. A resumed run writes what
 * an uninterrupted run writes, in a format that it did not ask for before too.
 */
final class MetricsLog implements AutoCloseable {
    private final Map<MetricsFormat, GrowingFile> files = new LinkedHashMap<>();
    private final Map<String, GrowingFile> byName = new LinkedHashMap<>();

    /**
     * Opens the files to go on after what they held when the state was saved.
     *
     * @param lengths what {@link #flush} gave then; empty for a new run
     * @throws InputException if a file cannot be written, or is shorter than that
     */
    MetricsLog(RunFolder folder, TrainingOptions options, Map<String, Long> lengths) {
        try {
            open(folder, folder.metrics(), new JsonLines(), lengths);
            if (options.log().csv()) {
                open(folder, folder.csv(), new CsvLines(), lengths);
            }
            if (options.log().tensorboard()) {
                open(folder, folder.tensorBoard(), new TensorBoardEvents(Clock.systemUTC()), lengths);
            }
        } catch (InputException e) {
            close();
            throw e;
        }
    }

    private void open(RunFolder folder, Path path, MetricsFormat format, Map<String, Long> lengths) {
        var name = folder.path().relativize(path).toString().replace('\\', '/');
        long length = lengths.getOrDefault(name, 0L);
        var file = new GrowingFile(path, length);
        files.put(format, file);
        byName.put(name, file);
        if (length == 0) {
            file.add(format.start());
            earlier(folder.metrics(), lengths).forEach(record -> file.add(format.bytes(record)));
        }
    }

    /** What {@code metrics.jsonl} holds of before the state was saved. */
    private static List<MetricsRecord> earlier(Path metrics, Map<String, Long> lengths) {
        long length = lengths.getOrDefault(metrics.getFileName().toString(), 0L);
        if (length == 0) {
            return List.of();
        }
        try {
            var text = new String(Files.readAllBytes(metrics), 0, Math.toIntExact(length), StandardCharsets.UTF_8);
            return text.lines().map(MetricsLog::record).toList();
        } catch (IOException e) {
            throw new InputException("Cannot read " + metrics + ": " + e.getMessage() + ".", e);
        }
    }

    private static MetricsRecord record(String line) {
        var values = Json.mapper().readValue(line, new TypeReference<LinkedHashMap<String, Object>>() {});
        var kind = String.valueOf(values.remove("kind"));
        int step = Integer.parseInt(String.valueOf(values.remove("step")));
        return new MetricsRecord(kind, step, values);
    }

    /** Adds a record; {@code values} come after kind and step, in their order. */
    void write(String kind, int step, Map<String, ?> values) {
        var record = new MetricsRecord(kind, step, values);
        files.forEach((format, file) -> file.add(format.bytes(record)));
    }

    /** Brings all records to the disk and says how many bytes each file has, by its path in the run folder. */
    Map<String, Long> flush() {
        Map<String, Long> lengths = new LinkedHashMap<>();
        byName.forEach((name, file) -> lengths.put(name, file.flush()));
        return lengths;
    }

    @Override
    public void close() {
        files.values().forEach(GrowingFile::close);
    }
}
