package dev.espalier.data.wordnet;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.espalier.json.Json;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** JSON Lines of a task, test rows first; UTF-8, and a line feed after each row on every system. */
final class TaskFile {
    @JsonPropertyOrder({"split", "input", "output", "candidates"})
    private record Line(
            String split,
            String input,
            String output,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> candidates) {}

    private TaskFile() {}

    static void write(Path file, Split split) throws IOException {
        try (var out = Files.newBufferedWriter(file)) {
            write(out, "test", split.test());
            write(out, "train", split.train());
        }
    }

    private static void write(Writer out, String name, List<Row> rows) throws IOException {
        for (var row : rows) {
            var line = new Line(name, row.input(), row.output(), row.candidates());
            out.write(Json.mapper().writeValueAsString(line));
            out.write('\n');
        }
    }
}
