package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The methods of lists and maps that change nothing. */
final class CollectionMethods {
    static final Functions OF_MAPS = new Functions("method of a dict")
            .with("items", (value, arguments) -> Attributes.pairs(map(value)))
            .with("keys", (value, arguments) -> new ArrayList<Object>(map(value).keySet()))
            .with(
                    "values",
                    (value, arguments) -> new ArrayList<Object>(map(value).values()))
            .with("get", (value, arguments) -> get(map(value), arguments), "key", "default");

    static final Functions OF_LISTS = new Functions("method of a list")
            .with("count", (value, arguments) -> count((List<?>) value, arguments.need("value")), "value")
            .with("index", (value, arguments) -> index((List<?>) value, arguments.need("value")), "value");

    private CollectionMethods() {}

    private static Map<?, ?> map(Object value) {
        return (Map<?, ?>) value;
    }

    private static Object get(Map<?, ?> map, Arguments.Bound arguments) {
        var entry = map.get(arguments.need("key"));
        return entry == null ? arguments.get("default", None.NONE) : entry;
    }

    private static Object count(List<?> list, Object value) {
        return list.stream().filter(entry -> Operators.equal(entry, value)).count();
    }

    private static Object index(List<?> list, Object value) {
        for (int i = 0; i < list.size(); i++) {
            if (Operators.equal(list.get(i), value)) {
                return (long) i;
            }
        }
        throw new TemplateError("'index' does not find " + PythonText.representation(value) + " in the list");
    }
}
