package dev.espalier.model;

import dev.espalier.error.InputException;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Reads a Hugging Face {@code config.json}.
 *
 * @param source the file, for errors
 */
public record ConfigReader(JsonNode config, Object source) {
    /** The value of {@code key}, a missing node where there is none. */
    public JsonNode node(String key) {
        return config.path(key);
    }

    public Optional<Double> number(String key) {
        var node = config.path(key);
        return node.isNumber() ? Optional.of(node.asDouble()) : Optional.empty();
    }

    /** The whole number of {@code key}, if there is one that is not null. */
    public Optional<Integer> integer(String key) {
        return number(key).map(Double::intValue);
    }

    public boolean flag(String key, boolean fallback) {
        return config.path(key).asBoolean(fallback);
    }

    public String text(String key, String fallback) {
        return config.path(key).asString(fallback);
    }

    /**
     * A size.
     *
     * @throws InputException if it is missing or below 1
     */
    public int size(String key) {
        int size = integer(key).orElseThrow(() -> new InputException(source + ": key '" + key + "' is missing."));
        if (size < 1) {
            throw new InputException(source + ": key '" + key + "' is " + size + ", but must be at least 1.");
        }
        return size;
    }

    /** The activation that {@code key} names. */
    public Activation activation(String key, String fallback) {
        return Activation.of(text(key, fallback));
    }
}
