package dev.espalier.study;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.espalier.data.Split;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Estimate;
import dev.espalier.evaluate.Interval;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Every score of a study, in a file of JSON Lines that is added to as they come, so that nothing is scored twice. Its first
 * line says what all scores have in common.
 */
final class ScoreBook implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;
    private final Map<Key, Estimate> scores = new HashMap<>();

    private record Key(Subject subject, String task, Split split) {}

    private record Settings(Map<String, String> settings) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    private record Line(
            Subject subject,
            String task,
            Split split,
            String metric,
            int rows,
            double value,
            @Nullable Double low,
            @Nullable Double high,
            double seconds) {}

    private ScoreBook(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Opens the book, or begins one. A last line that was cut off is taken away.
     *
     * @param settings what all scores have in common
     * @throws InputException if the file holds scores of other settings, or cannot be read or written
     */
    static ScoreBook open(Path file, Map<String, String> settings) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            var book = new ScoreBook(file, channel);
            try {
                book.read(Files.readString(file), settings);
                return book;
            } catch (RuntimeException | IOException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new InputException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
    }

    private void read(String text, Map<String, String> settings) throws IOException {
        int end = text.lastIndexOf('\n') + 1;
        var whole = text.substring(0, end);
        int length = whole.getBytes(StandardCharsets.UTF_8).length;
        channel.truncate(length).position(length);
        if (whole.isEmpty()) {
            write(new Settings(settings));
            return;
        }
        var lines = whole.lines().toList();
        try {
            requireSame(Json.mapper().readValue(lines.get(0), Settings.class).settings(), settings);
            for (var line : lines.subList(1, lines.size())) {
                var score = Json.mapper().readValue(line, Line.class);
                scores.put(new Key(score.subject, score.task, score.split), estimate(score));
            }
        } catch (JacksonException e) {
            throw Json.explain(e, file.toString());
        }
    }

    private void requireSame(Map<String, String> before, Map<String, String> now) {
        now.forEach((key, value) -> {
            var former = before.get(key);
            if (former != null && !former.equals(value)) {
                throw new InputException("The scores in " + file + " were made with " + key + " " + former
                        + ", but now it is " + value + "; choose another --output, or remove that file to score anew.");
            }
        });
    }

    private static Estimate estimate(Line line) {
        return new Estimate(
                line.value,
                new Interval(
                        line.low == null ? Double.NEGATIVE_INFINITY : line.low,
                        line.high == null ? Double.POSITIVE_INFINITY : line.high));
    }

    /** All that have a score. */
    Set<Subject> subjects() {
        return scores.keySet().stream().map(Key::subject).collect(Collectors.toUnmodifiableSet());
    }

    /** What a subject came to on a task, if that is known. */
    Optional<Estimate> find(Subject subject, String task, Split split) {
        return Optional.ofNullable(scores.get(new Key(subject, task, split)));
    }

    /**
     * Adds a score.
     *
     * @param seconds it took
     */
    void add(Subject subject, String task, Split split, String metric, int rows, Estimate score, double seconds) {
        boolean bounded = score.isBounded();
        write(new Line(
                subject,
                task,
                split,
                metric,
                rows,
                score.value(),
                bounded ? score.interval().low() : null,
                bounded ? score.interval().high() : null,
                seconds));
        scores.put(new Key(subject, task, split), score);
    }

    private void write(Object line) {
        var text = Json.mapper().writeValueAsString(line) + "\n";
        try {
            Channels.newOutputStream(channel).write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private InputException failed(IOException e) {
        return new InputException(
                "Cannot write " + file + ": " + e.getMessage() + "; make room and run the same command again.", e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }
}
