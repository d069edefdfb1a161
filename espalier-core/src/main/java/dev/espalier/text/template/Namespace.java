package dev.espalier.text.template;

import java.util.HashMap;
import java.util.Map;

/** Variables that a loop may change for the outside. */
final class Namespace implements Attributed {
    private final Map<String, Object> values;

    Namespace(Arguments arguments) {
        if (!arguments.places().isEmpty()) {
            throw new TemplateError("'namespace' is supported with named arguments only");
        }
        values = new HashMap<>(arguments.names());
    }

    void set(String name, Object value) {
        values.put(name, value);
    }

    @Override
    public Object attribute(String name) {
        var value = values.get(name);
        return value == null ? new Undefined("'namespace object' has no attribute '" + name + "'") : value;
    }
}
