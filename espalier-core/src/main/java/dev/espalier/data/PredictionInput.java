package dev.espalier.data;

import dev.espalier.error.InputException;
import java.io.BufferedReader;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What to predict on, read as it comes: JSON Lines if the first line starts with a brace, with the columns that training
 * data has, else a text a line, of which a tab parts two texts, or a text and its candidates, and spaces part words.
 */
public final class PredictionInput {
    private final String source;
    private final Columns columns;
    private final TaskKind kind;
    private final AtomicLong row = new AtomicLong();
    private @Nullable Boolean json;

    private PredictionInput(String source, Columns columns, TaskKind kind) {
        this.source = source;
        this.columns = columns;
        this.kind = kind;
    }

    /**
     * One example without target for each line, in order and lazily.
     *
     * @param source what messages call the input: a file's name or {@code stdin}
     * @param kind the task's kind
     * @throws InputException from the stream, if a line is blank or lacks its text; it says which
     */
    public static Stream<Example> read(BufferedReader lines, String source, Columns columns, TaskKind kind) {
        var input = new PredictionInput(source, columns, kind);
        return lines.lines().map(input::example);
    }

    private Example example(String line) {
        var origin = new Origin(source, row.incrementAndGet());
        if (json == null) {
            json = line.startsWith("{");
        }
        if (line.isBlank()) {
            throw new InputException(origin + " is blank; remove the line.");
        }
        var input = json ? ofObject(JsonLines.object(line, origin.toString()), origin) : ofText(line, origin);
        return new Example(input, new Target.None(), origin);
    }

    private Input ofText(String line, Origin origin) {
        if (kind == TaskKind.TOKEN_LABELS) {
            return new Input.Words(List.of(line.strip().split("\\s+")));
        }
        if (kind == TaskKind.CHOICE) {
            var parts = List.of(line.split("\t"));
            if (parts.size() < 3) {
                throw new InputException(origin + " has " + (parts.size() - 1)
                        + " candidates; give the text and two or more, with tabs between them.");
            }
            return new Input.Choice(parts.get(0), parts.subList(1, parts.size()));
        }
        var texts = line.split("\t", 2);
        return texts.length == 2 ? new Input.Pair(texts[0], texts[1]) : new Input.Text(line);
    }

    private Input ofObject(ObjectNode object, Origin origin) {
        var cells = new HashMap<String, @Nullable Object>();
        object.properties().forEach(entry -> cells.put(entry.getKey(), cell(entry.getValue())));
        var names = new ColumnNames(origin.toString(), object.propertyNames());
        var row = new Row(origin, cells);
        return kind == TaskKind.CHOICE
                ? ChoiceColumns.input(names, columns, row)
                : InputColumns.find(names, columns, kind == TaskKind.TOKEN_LABELS)
                        .input(row);
    }

    private static @Nullable Object cell(JsonNode value) {
        if (value.isArray()) {
            return value.valueStream().map(entry -> entry.asString("")).toList();
        }
        return value.isNull() ? null : value.asString(value.toString());
    }
}
