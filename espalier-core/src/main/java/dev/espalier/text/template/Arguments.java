package dev.espalier.text.template;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a call hands over, by place and by name. */
record Arguments(List<Object> places, Map<String, Object> names) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    /** The arguments by the names of the parameters. */
    Bound bind(String function, List<String> parameters) {
        if (places.size() > parameters.size()) {
            throw new TemplateError(
                    "'" + function + "' takes at most " + parameters.size() + " arguments, not " + places.size());
        }
        var values = new HashMap<String, Object>();
        for (int i = 0; i < places.size(); i++) {
            values.put(parameters.get(i), places.get(i));
        }
        names.forEach((name, value) -> {
            if (!parameters.contains(name)) {
                throw new TemplateError("'" + function + "' with the argument '" + name + "' is not supported");
            }
            if (values.put(name, value) != null) {
                throw new TemplateError("'" + function + "' gets the argument '" + name + "' twice");
            }
        });
        return new Bound(function, values);
    }

    /** Arguments by parameter. */
    record Bound(String function, Map<String, Object> values) {
        boolean has(String name) {
            return values.containsKey(name) && values.get(name) != None.NONE;
        }

        Object get(String name, Object otherwise) {
            return values.getOrDefault(name, otherwise);
        }

        Object need(String name) {
            var value = values.get(name);
            if (value == null) {
                throw new TemplateError("'" + function + "' lacks the argument '" + name + "'");
            }
            return value;
        }

        String text(String name) {
            if (need(name) instanceof String text) {
                return text;
            }
            throw new TemplateError(
                    "'" + function + "' expects a text as '" + name + "', not " + Values.typeName(need(name)));
        }

        String text(String name, String otherwise) {
            return has(name) ? text(name) : otherwise;
        }

        int whole(String name, int otherwise) {
            long value = has(name) ? Values.whole(need(name)) : otherwise;
            return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, value));
        }

        boolean flag(String name, boolean otherwise) {
            return Values.truth(get(name, otherwise));
        }

        /** The arguments for a function that is named by one of these, in order, as far as given. */
        Arguments rest(String... parameters) {
            return new Arguments(
                    List.of(parameters).stream()
                            .filter(values::containsKey)
                            .map(this::need)
                            .toList(),
                    Map.of());
        }
    }
}
