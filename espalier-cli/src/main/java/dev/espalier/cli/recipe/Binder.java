package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes a section's record of the YAML that describes it. What is not written has the value of the section's default.
 * Everything that is wrong is said with its place, its key and what would be right.
 */
final class Binder {
    private static final String METHOD = "method";
    /** With more methods a sentence about them is no longer read. */
    private static final int MOST_NAMED = 3;

    private final List<Record> defaults;

    /** @param defaults the default of every section that is an item of a list or a variant */
    Binder(List<Record> defaults) {
        this.defaults = List.copyOf(defaults);
    }

    /** The section that {@code node} describes. */
    <R extends Record> R bind(YamlNode node, R fallback) {
        @SuppressWarnings("unchecked") // the class of a section makes that section
        var section = (R) section(node, "", fallback);
        return section;
    }

    private Record section(YamlNode node, String path, Record fallback) {
        var entries = entries(node, path);
        var names = Field.names(fallback);
        for (var entry : entries.entrySet()) {
            if (!names.contains(entry.getKey())
                    && !(Variants.isVariant(fallback) && entry.getKey().equals(METHOD))) {
                throw unknown(entry.getKey(), entry.getValue(), names, fallback, path);
            }
        }
        return construct(node, entries, path, fallback);
    }

    private Record construct(YamlNode node, Map<String, YamlNode.Entry> entries, String path, Record fallback) {
        List<@Nullable Object> values = new ArrayList<>();
        for (var field : Field.all(fallback.getClass())) {
            var given = field.in(fallback);
            if (field.inline()) {
                values.add(construct(node, entries, path, (Record) Objects.requireNonNull(given)));
                continue;
            }
            if (!field.isKeyOf(fallback)) {
                values.add(given);
                continue;
            }
            var entry = entries.get(field.name());
            var name = path.isEmpty() ? field.name() : path + "." + field.name();
            if (entry == null) {
                if (field.key().required()) {
                    throw new InputException(node.at() + ": the key '" + name + "' is missing; add it, for example "
                            + name + ": " + field.key().example() + ".");
                }
                values.add(given);
            } else {
                values.add(value(entry.value(), field.genericType(), field, name, given));
            }
        }
        var section = newInstance(fallback.getClass(), values);
        if (section instanceof Checked checked) {
            try {
                checked.check();
            } catch (InputException e) {
                throw new InputException(node.at() + ": " + (path.isEmpty() ? "" : path + ": ") + e.getMessage(), e);
            }
        }
        return section;
    }

    private @Nullable Object value(YamlNode node, Type type, Field field, String path, @Nullable Object fallback) {
        if (node instanceof YamlNode.Scalar scalar && scalar.text() == null) {
            return fallback;
        }
        if (type instanceof ParameterizedType generic) {
            var arguments = generic.getActualTypeArguments();
            return generic.getRawType() == List.class
                    ? items(node, arguments[0], field, path)
                    : mapping(node, arguments[1], field, path);
        }
        var raw = (Class<?>) type;
        if (raw == Modules.class) {
            return node instanceof YamlNode.Sequence
                    ? Modules.named(strings(items(node, String.class, field, path)))
                    : Modules.matching((String) scalar(node, String.class, field, path));
        }
        // An enum whose constants have bodies is sealed too.
        if (raw.isSealed() && !raw.isEnum()) {
            return variant(node, raw, path, (Record) Objects.requireNonNull(fallback));
        }
        if (raw.isRecord()) {
            return section(node, path, fallback == null ? defaultOf(raw) : (Record) fallback);
        }
        return scalar(node, raw, field, path);
    }

    private Object scalar(YamlNode node, Class<?> type, Field field, String path) {
        if (!(node instanceof YamlNode.Scalar scalar) || scalar.text() == null) {
            throw new InputException(node.at() + ": " + path + " must be a single value, not a "
                    + (node instanceof YamlNode.Sequence ? "list." : "section."));
        }
        return Scalars.parse(scalar.text(), type, field.key(), node.at() + ": " + path);
    }

    private List<Object> items(YamlNode node, Type type, Field field, String path) {
        if (!(node instanceof YamlNode.Sequence sequence)) {
            throw new InputException(
                    node.at() + ": " + path + " must be a list, such as [a, b], or lines that begin with '- '.");
        }
        List<Object> items = new ArrayList<>();
        for (var item : sequence.items()) {
            var name = path + "." + items.size();
            var value = value(item, type, field, name, null);
            if (value == null) {
                throw new InputException(item.at() + ": " + name + " is empty.");
            }
            items.add(value);
        }
        return List.copyOf(items);
    }

    private Map<String, Object> mapping(YamlNode node, Type type, Field field, String path) {
        Map<String, Object> values = new LinkedHashMap<>();
        entries(node, path)
                .forEach((name, entry) ->
                        values.put(name, scalar(entry.value(), (Class<?>) type, field, path + "." + name)));
        return values;
    }

    private Record variant(YamlNode node, Class<?> type, String path, Record fallback) {
        var entry = entries(node, path).get(METHOD);
        var chosen = fallback;
        if (entry != null) {
            var text = entry.value() instanceof YamlNode.Scalar scalar && scalar.text() != null ? scalar.text() : "";
            var variants = Variants.of(type, defaults);
            var named = variants.get(text);
            if (named == null) {
                throw new InputException(entry.value().at() + ": " + path + ".method is '" + text
                        + "', which is none of " + String.join(", ", variants.keySet()) + "; did you mean '"
                        + Nearest.to(text, variants.keySet(), 1).get(0) + "'?");
            }
            chosen = text.equals(Variants.method(fallback)) ? fallback : named;
        }
        return section(node, path, chosen);
    }

    private Record defaultOf(Class<?> section) {
        return defaults.stream()
                .filter(section::isInstance)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(section + " has no default"));
    }

    private static Map<String, YamlNode.Entry> entries(YamlNode node, String path) {
        if (node instanceof YamlNode.Mapping mapping) {
            return mapping.entries();
        }
        if (node instanceof YamlNode.Scalar scalar && scalar.text() == null) {
            return Map.of();
        }
        throw new InputException(
                node.at() + ": " + (path.isEmpty() ? "a recipe" : path) + " must be a section of keys, not "
                        + (node instanceof YamlNode.Scalar scalar ? "'" + scalar.text() + "'." : "a list."));
    }

    private InputException unknown(String key, YamlNode.Entry entry, List<String> names, Record section, String path) {
        var where = entry.keyAt() + ": ";
        if (Variants.isVariant(section)) {
            var owners = Variants.of(Variants.sealedOf(section), defaults).entrySet().stream()
                    .filter(other -> Field.names(other.getValue()).contains(key))
                    .map(other -> "'" + other.getKey() + "'")
                    .toList();
            if (!owners.isEmpty()) {
                return new InputException(where + "the key '" + key + "' belongs to the " + named(owners)
                        + ", and the method here is '" + Variants.method(section)
                        + "'; remove the key or change " + path + ".method.");
            }
        }
        return new InputException(where + "unknown key '" + key + "'" + (path.isEmpty() ? "" : " in " + path)
                + Nearest.near(key, names)
                        .map(near -> "; did you mean '" + near + "'?")
                        .orElseGet(() -> "; there are " + String.join(", ", names) + "."));
    }

    private static String named(List<String> methods) {
        if (methods.size() == 1) {
            return "method " + methods.get(0);
        }
        int more = methods.size() - MOST_NAMED;
        return "methods " + String.join(", ", methods.subList(0, Math.min(methods.size(), MOST_NAMED)))
                + (more > 0 ? " and " + more + " more" : "");
    }

    private static List<String> strings(List<Object> values) {
        return values.stream().map(String.class::cast).toList();
    }

    private static Record newInstance(Class<? extends Record> type, List<@Nullable Object> values) {
        var types = Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            return type.getDeclaredConstructor(types).newInstance(values.toArray());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Cannot make " + type, e);
        }
    }
}
