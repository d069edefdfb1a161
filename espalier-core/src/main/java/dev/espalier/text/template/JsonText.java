package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** {@code json.dumps} of Python: with spaces after commas and colons, and only what must be escaped is. */
final class JsonText {
    private final StringBuilder text = new StringBuilder();
    private final int indent;
    private final String comma;
    private final String colon;
    private final boolean ascii;
    private final boolean sorted;

    private JsonText(Arguments.Bound options) {
        indent = options.whole("indent", -1);
        ascii = options.flag("ensure_ascii", false);
        sorted = options.flag("sort_keys", false);
        if (options.has("separators")) {
            var separators = Values.iterate(options.need("separators"));
            if (separators.size() != 2) {
                throw new TemplateError("'tojson' expects two separators, found " + separators.size());
            }
            comma = PythonText.of(separators.get(0));
            colon = PythonText.of(separators.get(1));
        } else {
            comma = indent < 0 ? ", " : ",";
            colon = ": ";
        }
    }

    static String of(Object value, Arguments.Bound options) {
        var json = new JsonText(options);
        json.write(value, 0);
        return json.text.toString();
    }

    private void write(Object value, int depth) {
        if (value instanceof String string) {
            quote(string);
        } else if (value instanceof Boolean || value instanceof Long) {
            text.append(value);
        } else if (value instanceof Double number) {
            text.append(
                    Double.isNaN(number)
                            ? "NaN"
                            : Double.isInfinite(number)
                                    ? number > 0 ? "Infinity" : "-Infinity"
                                    : PythonText.number(number));
        } else if (value == None.NONE) {
            text.append("null");
        } else if (value instanceof List<?> list) {
            text.append('[');
            for (int i = 0; i < list.size(); i++) {
                between(i > 0, depth + 1);
                write(list.get(i), depth + 1);
            }
            close(!list.isEmpty(), depth, ']');
        } else if (value instanceof Map<?, ?> map) {
            write(map, depth);
        } else {
            throw new TemplateError("'tojson' cannot write " + Values.typeName(value));
        }
    }

    private void write(Map<?, ?> map, int depth) {
        text.append('{');
        boolean further = false;
        var keys = new ArrayList<Object>(map.keySet());
        if (sorted) {
            keys.sort(Operators::order);
        }
        for (var key : keys) {
            between(further, depth + 1);
            quote(key(key));
            text.append(colon);
            write(Objects.requireNonNull(map.get(key)), depth + 1);
            further = true;
        }
        close(further, depth, '}');
    }

    private static String key(Object key) {
        return key == None.NONE ? "null" : key instanceof Boolean ? key.toString() : PythonText.of(key);
    }

    private void between(boolean further, int depth) {
        if (further) {
            text.append(comma);
        }
        line(depth);
    }

    private void close(boolean filled, int depth, char bracket) {
        if (filled) {
            line(depth);
        }
        text.append(bracket);
    }

    private void line(int depth) {
        if (indent >= 0) {
            text.append('\n').append(" ".repeat(indent * depth));
        }
    }

    private void quote(String string) {
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char character = string.charAt(i);
            switch (character) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\b' -> text.append("\\b");
                case '\f' -> text.append("\\f");
                default -> {
                    if (character < ' ' || ascii && character > '~') {
                        text.append("\\u%04x".formatted((int) character));
                    } else {
                        text.append(character);
                    }
                }
            }
        }
        text.append('"');
    }
}
