package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/** JSON Lines: an object a line; blank lines are passed over. */
final class JsonLines {
    private JsonLines() {}

    /**
     * Reads the file once.
     *
     * @throws InputException with the line, if one is not a JSON object
     */
    static void check(Path file) {
        try (var in = new BufferedReader(new InputStreamReader(Utf8.open(file), StandardCharsets.UTF_8))) {
            long number = 0;
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                if (!line.isBlank()) {
                    object(line, file + ", line " + number);
                }
            }
        } catch (IOException e) {
            throw Utf8.cannotRead(file, e);
        }
    }

    /** The object of a line. */
    static ObjectNode object(String line, String where) {
        try {
            if (Json.mapper().readTree(line) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            throw new InputException(
                    where + ": not JSON: "
                            + e.getOriginalMessage()
                                    .lines()
                                    .findFirst()
                                    .orElse("unreadable")
                                    .replaceFirst(" \\(start marker at .*", "")
                            + ".",
                    e);
        }
        throw new InputException(where + ": expected a JSON object such as {\"text\": \"…\", \"label\": \"…\"}.");
    }
}
