package dev.espalier.cli.recipe;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** A recipe as single keys, such as {@code tasks.0.limit}, with their values as YAML; what is not set is left out. */
public final class RecipeKeys {
    private static final String UNSET = "not set";

    private final Map<String, String> values = new LinkedHashMap<>();

    private RecipeKeys() {}

    /**
     * A key whose values differ.
     *
     * @param first as YAML, or that it is not set
     * @param second as YAML, or that it is not set
     */
    public record Difference(String key, String first, String second) {}

    /** Every key that has a value, in the order of the recipe. */
    public static Map<String, String> of(Recipe recipe) {
        var keys = new RecipeKeys();
        keys.section(recipe, "");
        return keys.values;
    }

    /** The first key among those that {@code counts} allows that two recipes do not have in common. */
    public static Optional<Difference> difference(Recipe first, Recipe second, Predicate<String> counts) {
        var left = of(first);
        var right = of(second);
        return Stream.concat(left.keySet().stream(), right.keySet().stream())
                .filter(counts)
                .map(key -> new Difference(key, left.getOrDefault(key, UNSET), right.getOrDefault(key, UNSET)))
                .filter(difference -> !difference.first().equals(difference.second()))
                .findFirst();
    }

    private void section(Record section, String prefix) {
        if (Variants.isVariant(section)) {
            values.put(prefix + "method", Variants.method(section));
        }
        for (var field : Field.of(section)) {
            var value = field.in(section);
            if (value instanceof Record inner && field.inline()) {
                section(inner, prefix);
            } else if (value != null) {
                value(value, prefix + field.name());
            }
        }
    }

    private void value(Object value, String key) {
        if (value instanceof Record section && !(value instanceof Modules)) {
            section(section, key + ".");
        } else if (value instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Record) {
            for (int i = 0; i < list.size(); i++) {
                value(list.get(i), key + "." + i);
            }
        } else {
            values.put(key, RecipeWriter.inline(value));
        }
    }
}
