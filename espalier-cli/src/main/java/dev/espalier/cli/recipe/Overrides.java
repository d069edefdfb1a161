package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/** Overrides of the form {@code training.epochs=5} or {@code tasks.0.limit=100}; their values are YAML. */
final class Overrides {
    private Overrides() {}

    /** {@code root} with one key set to another value; sections on the way are made where they are missing. */
    static YamlNode apply(YamlNode root, String assignment) {
        int equals = assignment.indexOf('=');
        var source = "--set " + assignment;
        if (equals < 1) {
            throw new InputException(source + ": write it as key=value, for example --set training.epochs=5.");
        }
        var keys = List.of(assignment.substring(0, equals).split("\\.", -1));
        return set(root, keys, YamlReader.readValue(assignment.substring(equals + 1), source), source);
    }

    private static YamlNode set(YamlNode node, List<String> keys, YamlNode value, String source) {
        if (keys.isEmpty()) {
            return value;
        }
        var key = keys.get(0);
        var rest = keys.subList(1, keys.size());
        if (node instanceof YamlNode.Sequence sequence) {
            var items = new ArrayList<>(sequence.items());
            int index = index(key, items.size(), source);
            items.set(index, set(items.get(index), rest, value, source));
            return new YamlNode.Sequence(items, sequence.at());
        }
        if (node instanceof YamlNode.Scalar scalar && scalar.text() != null) {
            throw new InputException(source + ": '" + key + "' would be a key of the value '" + scalar.text() + "' ("
                    + scalar.at() + "), which has none.");
        }
        var entries = new LinkedHashMap<String, YamlNode.Entry>();
        if (node instanceof YamlNode.Mapping mapping) {
            entries.putAll(mapping.entries());
        }
        var former = entries.get(key);
        var below = former == null ? new YamlNode.Scalar(null, source) : former.value();
        entries.put(key, new YamlNode.Entry(source, set(below, rest, value, source)));
        return new YamlNode.Mapping(entries, node.at());
    }

    private static int index(String key, int size, String source) {
        if (!key.matches("\\d{1,6}") || Integer.parseInt(key) >= size) {
            throw new InputException(
                    source + ": there is no item " + key + "; the list has " + size + ", counted from 0.");
        }
        return Integer.parseInt(key);
    }
}
