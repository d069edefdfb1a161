package dev.espalier.text.template;

import dev.espalier.error.Nearest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Functions of one kind by name: filters, tests, or the methods of a type. */
final class Functions {
    /** What a function does with the value it stands at. */
    @FunctionalInterface
    interface Body {
        Object apply(Object value, Arguments.Bound arguments);
    }

    private record Function(List<String> parameters, Body body) {}

    private final String kind;
    private final Map<String, Function> functions = new HashMap<>();

    /** @param kind what messages call one of these */
    Functions(String kind) {
        this.kind = kind;
    }

    Functions with(String name, Body body, String... parameters) {
        functions.put(name, new Function(List.of(parameters), body));
        return this;
    }

    Functions alias(String name, String known) {
        functions.put(name, find(known));
        return this;
    }

    boolean has(String name) {
        return functions.containsKey(name);
    }

    Object call(String name, Object value, Arguments arguments) {
        var function = find(name);
        return function.body().apply(value, arguments.bind(name, function.parameters()));
    }

    /** Refuses a name that is not known, in a line of the template. */
    void check(String name, int line) {
        if (!has(name)) {
            throw new TemplateError(
                    "the " + kind + " '" + name + "' is not supported (nearest: '"
                            + Nearest.to(name, functions.keySet(), 1).get(0) + "')",
                    line);
        }
    }

    private Function find(String name) {
        check(name, 0);
        return Objects.requireNonNull(functions.get(name));
    }
}
