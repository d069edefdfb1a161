package dev.espalier.text.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The filters of one value; {@link SequenceFilters} adds those of many. */
final class Filters {
    private static final Pattern WORD_START = Pattern.compile("[-\\s({\\[<]+|[^-\\s({\\[<]+");

    static final Functions ALL = SequenceFilters.addTo(new Functions("filter")
            .with("abs", (value, a) -> value instanceof Double d ? (Object) Math.abs(d) : Math.abs(Values.whole(value)))
            .with("capitalize", (value, a) -> TextMethods.capitalize(PythonText.of(value)))
            .with("default", (value, a) -> otherwise(value, a), "default_value", "boolean")
            .with("float", (value, a) -> real(value, a.get("default", 0.0)), "default")
            .with("indent", (value, a) -> indent(PythonText.of(value), a), "width", "first", "blank")
            .with("int", (value, a) -> whole(value, a.get("default", 0L)), "default")
            .with("items", (value, a) -> items(value))
            .with("lower", (value, a) -> PythonText.of(value).toLowerCase(Locale.ROOT))
            .with("replace", (value, a) -> TextMethods.replace(PythonText.of(value), a), "old", "new", "count")
            .with("round", (value, a) -> round(value, a), "precision", "method")
            .with("safe", (value, a) -> value)
            .with("string", (value, a) -> PythonText.of(value))
            .with("title", (value, a) -> title(PythonText.of(value)))
            .with("tojson", JsonText::of, "ensure_ascii", "indent", "separators", "sort_keys")
            .with("trim", (value, a) -> TextMethods.strip(PythonText.of(value), a, true, true), "chars")
            .with("upper", (value, a) -> PythonText.of(value).toUpperCase(Locale.ROOT))
            .alias("d", "default"));

    private Filters() {}

    private static Object otherwise(Object value, Arguments.Bound arguments) {
        boolean missing = value instanceof Undefined || arguments.flag("boolean", false) && !Values.truth(value);
        return missing ? arguments.get("default_value", "") : value;
    }

    private static Object items(Object value) {
        if (value instanceof Map<?, ?> map) {
            return Attributes.pairs(map);
        }
        if (value instanceof Undefined) {
            return List.of();
        }
        throw new TemplateError("'items' expects a dict, found " + Values.typeName(value));
    }

    private static Object real(Object value, Object otherwise) {
        if (Operators.number(value)) {
            return Operators.toDouble(value);
        }
        try {
            return value instanceof String text ? Double.parseDouble(text.strip()) : otherwise;
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    private static Object whole(Object value, Object otherwise) {
        if (Values.integer(value)) {
            return Values.whole(value);
        }
        if (value instanceof String text && text.strip().matches("[-+]?\\d{1,18}")) {
            return Long.parseLong(text.strip());
        }
        return real(value, otherwise) instanceof Double number && Double.isFinite(number)
                ? (Object) number.longValue()
                : otherwise;
    }

    private static double round(Object value, Arguments.Bound arguments) {
        double number = Operators.toDouble(value);
        var mode =
                switch (arguments.text("method", "common")) {
                    case "ceil" -> RoundingMode.CEILING;
                    case "floor" -> RoundingMode.FLOOR;
                    default -> RoundingMode.HALF_EVEN;
                };
        return new BigDecimal(number)
                .setScale(arguments.whole("precision", 0), mode)
                .doubleValue();
    }

    private static String title(String text) {
        return WORD_START
                .matcher(text)
                .results()
                .map(part -> TextMethods.capitalize(part.group()))
                .collect(Collectors.joining());
    }

    private static String indent(String text, Arguments.Bound arguments) {
        var width = arguments.get("width", 4L);
        var indentation = width instanceof String given ? given : " ".repeat((int) Values.whole(width));
        boolean blank = arguments.flag("blank", false);
        var lines = new ArrayList<>(List.of(text.split("\n", -1)));
        for (int i = 0; i < lines.size(); i++) {
            boolean indented = i == 0
                    ? arguments.flag("first", false)
                    : blank || !lines.get(i).isEmpty();
            lines.set(i, (indented ? indentation : "") + lines.get(i));
        }
        return String.join("\n", Collections.unmodifiableList(lines));
    }
}
