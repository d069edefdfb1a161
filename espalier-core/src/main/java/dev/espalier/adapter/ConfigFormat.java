package dev.espalier.adapter;

import java.util.Map;
import java.util.Set;

/** How the spec of one method stands in {@code adapter_config.json}. */
interface ConfigFormat<S extends AdapterSpec> {
    /** The value of {@code peft_type}. */
    String peftType();

    /** The kind of spec this is for. */
    Class<S> type();

    /** Whether {@code spec} is written by this format. */
    default boolean isFor(AdapterSpec spec) {
        return type().isInstance(spec);
    }

    /**
     * The spec in a file.
     *
     * @throws dev.espalier.error.InputException for a value that is wrong or not supported
     */
    S read(ConfigReader config);

    /** The method's own keys: all that a reader needs beside the targets. */
    Map<String, Object> keys(S spec);

    /** Keys about targets that the method's config does not have: what they would say must be said by paths. */
    default Set<String> unknown() {
        return Set.of();
    }

    /** Keys that stand in every file of this type unless they are known better. */
    default Map<String, Object> defaults() {
        return Map.of();
    }
}
