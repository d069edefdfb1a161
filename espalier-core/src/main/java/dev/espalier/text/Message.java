package dev.espalier.text;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One turn of a conversation.
 *
 * @param role who speaks, such as {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content what is said; empty where a turn only calls tools
 * @param others whatever else a chat template may read, such as {@code tool_calls} or {@code reasoning_content}
 */
public record Message(String role, String content, Map<String, Object> others) {
    /** The role whose turns a model writes. */
    public static final String ASSISTANT = "assistant";

    public Message {
        others = Map.copyOf(others);
    }

    /** A turn with nothing but text. */
    public Message(String role, String content) {
        this(role, content, Map.of());
    }

    /** A turn that is asked. */
    public static Message user(String content) {
        return new Message("user", content);
    }

    /** A turn that a model wrote. */
    public static Message assistant(String content) {
        return new Message(ASSISTANT, content);
    }

    /** Whether a model writes this turn. */
    public boolean byAssistant() {
        return role.equals(ASSISTANT);
    }

    /** The message as chat templates see it. */
    Map<String, Object> fields() {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", role);
        fields.put("content", content);
        fields.putAll(others);
        return fields;
    }
}
