package dev.espalier.cli;

import dev.espalier.data.Input;
import dev.espalier.error.InputException;
import dev.espalier.generate.Generation;
import dev.espalier.json.Json;
import dev.espalier.text.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * A row to answer: a prompt, or a conversation.
 *
 * @param where the file and line, for messages
 * @param json the row as it came, which is written with its answer
 * @param messages of a conversation; empty for a prompt
 * @param adapter the adapter's name, if the row says one
 */
record GenerationRow(String where, ObjectNode json, String prompt, List<Message> messages, Optional<String> adapter) {
    static GenerationRow ofText(String prompt, String where) {
        var json = Json.mapper().createObjectNode().put("prompt", prompt);
        return new GenerationRow(where, json, prompt, List.of(), Optional.empty());
    }

    /**
     * A line of JSON Lines.
     *
     * @param where the file and line, for messages
     * @throws InputException if it has neither a prompt nor messages, or its adapter is no name
     */
    static GenerationRow ofJson(String line, String where) {
        ObjectNode row;
        try {
            row = Json.mapper().readValue(line, ObjectNode.class);
        } catch (JacksonException e) {
            throw new InputException(
                    where + ": expected a JSON object such as {\"prompt\": \"…\"} or {\"messages\": […]}.", e);
        }
        var adapter = adapter(row, where);
        if (row.path("prompt").isString()) {
            return new GenerationRow(where, row, row.path("prompt").asString(), List.of(), adapter);
        }
        var messages = new ArrayList<Message>();
        for (var turn : row.path("messages")) {
            if (!turn.path("role").isString() || !turn.path("content").isString()) {
                throw new InputException(where + ": message " + (messages.size() + 1)
                        + " has no text under 'role' or 'content'; give it both.");
            }
            messages.add(new Message(
                    turn.path("role").asString(), turn.path("content").asString()));
        }
        if (messages.isEmpty()) {
            throw new InputException(where + ": the row has neither a text under 'prompt' nor a list under 'messages'; "
                    + "its keys are " + String.join(", ", row.propertyNames()) + ".");
        }
        return new GenerationRow(where, row, "", messages, adapter);
    }

    private static Optional<String> adapter(ObjectNode row, String where) {
        if (!row.hasNonNull("adapter")) {
            return Optional.empty();
        }
        if (!row.path("adapter").isString()) {
            throw new InputException(
                    where + ": 'adapter' is " + row.path("adapter") + "; write the name of an adapter, or null.");
        }
        return Optional.of(row.path("adapter").asString());
    }

    boolean isChat() {
        return !messages.isEmpty();
    }

    /** What it says, as a task's input is said. */
    Input input() {
        return isChat() ? new Input.Chat(messages, Map.of()) : new Input.Text(prompt);
    }

    /** The row with its answer, as a line of JSON. */
    String answered(Generation answer) {
        return Json.mapper()
                .writeValueAsString(json.deepCopy()
                        .put("answer", answer.text())
                        .put("finish_reason", answer.reason().name().toLowerCase(Locale.ROOT))
                        .put("new_tokens", answer.tokens().length));
    }
}
