package dev.espalier.data;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.json.Json;
import dev.espalier.text.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Conversations in cells: lists of {@code {"role", "content"}}, or of {@code {"from", "value"}}. */
final class Conversations {
    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

    /** Other names of roles, as ShareGPT and its kin have them. */
    private static final Map<String, String> ALIASES = Map.of(
            "human", "user",
            "gpt", "assistant",
            "chatgpt", "assistant",
            "model", "assistant",
            "bot", "assistant",
            "function_call", "assistant",
            "function", "tool",
            "observation", "tool",
            "ipython", "tool");

    private static final Set<String> CORE = Set.of("role", "from", "content", "value");

    private Conversations() {}

    /**
     * The turns of a conversation, of which the last is the assistant's.
     *
     * @throws InputException with file, row and turn, if it is empty, a role is unknown, a turn has no text, or the
     *     assistant does not speak last
     */
    static List<Message> read(Row row, String column) {
        var turns = json(row, column);
        if (!turns.isArray()) {
            throw noList(row, column);
        }
        if (turns.isEmpty()) {
            throw row.wrong(column, "holds no messages; fill it in, or remove the row");
        }
        var messages = new ArrayList<Message>();
        for (var turn : turns) {
            messages.add(message(row, column, turn, messages.size() + 1));
        }
        var last = messages.get(messages.size() - 1);
        if (!last.byAssistant()) {
            throw row.wrong(
                    column,
                    "ends with a message of '" + last.role()
                            + "' and has no response to it; end it with an assistant's message, or remove the row");
        }
        return messages;
    }

    /** The tools that a row offers, if it has that column and it is filled. */
    static Optional<Object> tools(Row row, String column) {
        return row.filled(column) ? Optional.of(plain(json(row, column))) : Optional.empty();
    }

    private static JsonNode json(Row row, String column) {
        try {
            return Json.mapper().readTree(row.text(column));
        } catch (JacksonException e) {
            throw noList(row, column);
        }
    }

    private static InputException noList(Row row, String column) {
        return row.wrong(column, "holds no list of messages such as [{\"role\": \"user\", \"content\": \"…\"}, …]");
    }

    private static Message message(Row row, String column, JsonNode turn, int number) {
        var where = "message " + number;
        var role = turn.path("role").isString() ? turn.path("role") : turn.path("from");
        if (!role.isString()) {
            throw row.wrong(column, "has no 'role' in " + where);
        }
        var name = ALIASES.getOrDefault(role.asString(), role.asString());
        if (!ROLES.contains(name)) {
            throw row.wrong(
                    column,
                    "has the unknown role '" + name + "' in " + where + "; known are " + String.join(", ", sorted())
                            + " (nearest: '" + Nearest.to(name, ROLES, 1).get(0) + "')");
        }
        var others = new LinkedHashMap<String, Object>();
        turn.properties().forEach(field -> {
            if (!CORE.contains(field.getKey()) && !field.getValue().isNull()) {
                others.put(field.getKey(), plain(field.getValue()));
            }
        });
        var content = content(turn.has("content") ? turn.path("content") : turn.path("value"))
                .orElseThrow(() -> row.wrong(column, "has something other than text in " + where));
        if (content.isBlank() && name.equals(Message.ASSISTANT) && !others.containsKey("tool_calls")) {
            throw row.wrong(column, "has an empty response in " + where + "; fill it in, or remove the row");
        }
        return new Message(name, content, others);
    }

    private static List<String> sorted() {
        return ROLES.stream().sorted().toList();
    }

    /** A text, or parts of which each is one; empty if anything is not. */
    private static Optional<String> content(JsonNode content) {
        if (content.isMissingNode() || content.isNull()) {
            return Optional.of("");
        }
        if (content.isArray()) {
            var text = new StringBuilder();
            for (var part : content) {
                if (!part.path("text").isString()) {
                    return Optional.empty();
                }
                text.append(part.path("text").asString());
            }
            return Optional.of(text.toString());
        }
        return content.isString() ? Optional.of(content.asString()) : Optional.empty();
    }

    private static Object plain(JsonNode json) {
        return Json.mapper().convertValue(json, Object.class);
    }
}
