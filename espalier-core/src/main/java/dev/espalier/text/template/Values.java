package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What templates compute with: texts, {@code Long}, {@code Double}, {@code Boolean}, {@link None}, {@link Undefined},
 * lists, {@link Tuple}s, maps, and objects of the language such as namespaces and functions.
 */
final class Values {
    private Values() {}

    /** An ordinary Java value as one of a template. */
    static Object of(@Nullable Object value) {
        if (value == null) {
            return None.NONE;
        }
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        }
        if (value instanceof Float number) {
            return number.doubleValue();
        }
        if (value instanceof List<?> list) {
            return copy(list);
        }
        if (value instanceof Map<?, ?> map) {
            var copy = new LinkedHashMap<Object, Object>();
            map.forEach((key, entry) -> copy.put(of(key), of(entry)));
            return copy;
        }
        if (value instanceof String || value instanceof Long || value instanceof Double || value instanceof Boolean) {
            return value;
        }
        throw new IllegalArgumentException(
                "A template cannot use a " + value.getClass().getName());
    }

    private static List<Object> copy(List<?> list) {
        var copy = new ArrayList<>(list.size());
        list.forEach(entry -> copy.add(of(entry)));
        return copy;
    }

    static boolean truth(Object value) {
        if (value instanceof Boolean flag) {
            return flag;
        }
        if (value instanceof Number number) {
            return number.doubleValue() != 0;
        }
        if (value instanceof String text) {
            return !text.isEmpty();
        }
        if (value instanceof List<?> list) {
            return !list.isEmpty();
        }
        if (value instanceof Map<?, ?> map) {
            return !map.isEmpty();
        }
        return value != None.NONE && !(value instanceof Undefined);
    }

    /** The entries of a list, the characters of a text, the keys of a map. */
    static List<Object> iterate(Object value) {
        if (value instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        if (value instanceof String text) {
            var characters = new ArrayList<>();
            text.codePoints().mapToObj(Character::toString).forEach(characters::add);
            return characters;
        }
        if (value instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        }
        if (value instanceof Undefined) {
            return List.of();
        }
        throw new TemplateError(typeName(value) + " cannot be iterated");
    }

    static boolean iterable(Object value) {
        return value instanceof List || value instanceof String || value instanceof Map || value instanceof Undefined;
    }

    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        }
        if (iterable(value)) {
            return iterate(value).size();
        }
        throw new TemplateError(typeName(value) + " has no length");
    }

    static boolean integer(Object value) {
        return value instanceof Long || value instanceof Boolean;
    }

    /** A whole number; true is 1 and false 0, as in Python. */
    static long whole(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        if (value instanceof Long number) {
            return number;
        }
        throw value instanceof Undefined undefined
                ? undefined.error()
                : new TemplateError("expected a whole number, found " + typeName(value));
    }

    /** What messages call a value, with Python's names of types. */
    static String typeName(Object value) {
        if (value == None.NONE) {
            return "None";
        }
        if (value instanceof Undefined undefined) {
            return "something undefined (" + undefined.reason() + ")";
        }
        return value instanceof String
                ? "a str"
                : value instanceof Boolean
                        ? "a bool"
                        : value instanceof Long
                                ? "an int"
                                : value instanceof Double
                                        ? "a float"
                                        : value instanceof Tuple
                                                ? "a tuple"
                                                : value instanceof List
                                                        ? "a list"
                                                        : value instanceof Map ? "a dict" : "an object of the template";
    }
}
