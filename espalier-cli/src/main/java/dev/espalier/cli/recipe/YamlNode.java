package dev.espalier.cli.recipe;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * YAML as it is written: every value is text until the recipe's schema says what it is (so that a task may be called
 * {@code no}), and everything knows where it stands.
 */
sealed interface YamlNode {
    /** Where it stands: {@code file:line:column}, or the override that set it. */
    String at();

    /** A value; null where nothing is written, or {@code null}. */
    record Scalar(@Nullable String text, String at) implements YamlNode {}

    record Sequence(List<YamlNode> items, String at) implements YamlNode {}

    record Mapping(Map<String, Entry> entries, String at) implements YamlNode {}

    /** A key of a mapping, where the key stands, and its value. */
    record Entry(String keyAt, YamlNode value) {}
}
