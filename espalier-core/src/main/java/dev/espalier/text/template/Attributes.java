package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@code value.name}, {@code value[key]} and slices. */
final class Attributes {
    /** What Jinja2's sandbox refuses, for it would change the caller's data. */
    private static final Set<String> CHANGES = Set.of(
            "append",
            "clear",
            "extend",
            "insert",
            "pop",
            "popitem",
            "remove",
            "reverse",
            "setdefault",
            "sort",
            "update");

    private Attributes() {}

    /** {@code value.name}: a method before an entry of a map. */
    static Object attribute(Object value, String name) {
        var method = method(value, name);
        return method instanceof Undefined ? entry(value, name) : method;
    }

    /** {@code value[key]}: an entry before a method. */
    static Object item(Object value, Object key) {
        var entry = entry(value, key);
        return entry instanceof Undefined && key instanceof String name ? methodOr(value, name, entry) : entry;
    }

    private static Object methodOr(Object value, String name, Object otherwise) {
        var method = method(value, name);
        return method instanceof Undefined ? otherwise : method;
    }

    private static Object entry(Object value, Object key) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (value instanceof Attributed object && key instanceof String name) {
            return object.attribute(name);
        }
        if (value instanceof Map<?, ?> map) {
            var entry = map.get(key);
            return entry == null ? missing(value, key) : entry;
        }
        if (Values.integer(key) && (value instanceof List || value instanceof String)) {
            var items = Values.iterate(value);
            long index = Values.whole(key);
            long place = index < 0 ? index + items.size() : index;
            return place < 0 || place >= items.size() ? missing(value, key) : items.get((int) place);
        }
        return missing(value, key);
    }

    private static Undefined missing(Object value, Object key) {
        return new Undefined(Values.typeName(value) + " has no "
                + (key instanceof String name ? "attribute '" + name + "'" : "element " + PythonText.of(key)));
    }

    private static Object method(Object value, String name) {
        var methods = value instanceof String
                ? TextMethods.ALL
                : value instanceof Map ? CollectionMethods.OF_MAPS : CollectionMethods.OF_LISTS;
        boolean collection = value instanceof List || value instanceof Map;
        if ((collection || value instanceof String) && methods.has(name)) {
            return (Callable) arguments -> methods.call(name, value, arguments);
        }
        if (collection && CHANGES.contains(name) && !(value instanceof Map<?, ?> map && map.containsKey(name))) {
            throw new TemplateError(
                    "'" + name + "' of " + Values.typeName(value) + " would change the data, which is refused");
        }
        return missing(value, name);
    }

    /** {@code value[start:stop:step]}, by Python's rules; {@link None} where a part is not given. */
    static Object slice(Object value, Object start, Object stop, Object step) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!(value instanceof String || value instanceof List)) {
            throw new TemplateError("a slice of " + Values.typeName(value) + " cannot be taken");
        }
        var items = Values.iterate(value);
        long by = step == None.NONE ? 1 : Values.whole(step);
        if (by == 0) {
            throw new TemplateError("a slice has the step 0");
        }
        int size = items.size();
        long from = bound(start, by > 0 ? 0 : size - 1L, size, by);
        long to = bound(stop, by > 0 ? size : -1, size, by);
        var taken = new ArrayList<Object>();
        for (long at = from; by > 0 ? at < to : at > to; at += by) {
            taken.add(items.get((int) at));
        }
        if (value instanceof String) {
            return String.join("", taken.stream().map(Object::toString).toList());
        }
        return value instanceof Tuple ? new Tuple(taken) : taken;
    }

    private static long bound(Object given, long otherwise, int size, long step) {
        if (given == None.NONE) {
            return otherwise;
        }
        long place = Values.whole(given);
        place = place < 0 ? place + size : place;
        return step > 0 ? Math.max(0, Math.min(size, place)) : Math.max(-1, Math.min(size - 1L, place));
    }

    /** The pairs of a map, in its order. */
    static List<Object> pairs(Map<?, ?> map) {
        var pairs = new ArrayList<Object>();
        map.forEach((key, entry) -> pairs.add(Tuple.of(key, entry)));
        return pairs;
    }
}
