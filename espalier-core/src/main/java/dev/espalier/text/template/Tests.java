package dev.espalier.text.template;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The tests of {@code is}. */
final class Tests {
    static final Functions ALL = new Functions("test")
            .with("defined", (value, a) -> !(value instanceof Undefined))
            .with("undefined", (value, a) -> value instanceof Undefined)
            .with("none", (value, a) -> value == None.NONE)
            .with("boolean", (value, a) -> value instanceof Boolean)
            .with("true", (value, a) -> value.equals(true))
            .with("false", (value, a) -> value.equals(false))
            .with("integer", (value, a) -> value instanceof Long)
            .with("float", (value, a) -> value instanceof Double)
            .with("number", (value, a) -> Operators.number(value))
            .with("string", (value, a) -> value instanceof String)
            .with("mapping", (value, a) -> value instanceof Map)
            .with("sequence", (value, a) -> value instanceof List || value instanceof String || value instanceof Map)
            .with("iterable", (value, a) -> Values.iterable(value))
            .with("callable", (value, a) -> value instanceof Callable)
            .with("odd", (value, a) -> Values.whole(value) % 2 != 0)
            .with("even", (value, a) -> Values.whole(value) % 2 == 0)
            .with("divisibleby", (value, a) -> Values.whole(value) % Values.whole(a.need("num")) == 0, "num")
            .with("lower", (value, a) -> cased(value, PythonText.of(value).toLowerCase(Locale.ROOT)))
            .with("upper", (value, a) -> cased(value, PythonText.of(value).toUpperCase(Locale.ROOT)))
            .with("in", (value, a) -> Operators.contains(a.need("seq"), value), "seq")
            .with("sameas", (value, a) -> same(value, a.need("other")), "other")
            .with("eq", (value, a) -> Operators.compare("==", value, a.need("other")), "other")
            .with("ne", (value, a) -> Operators.compare("!=", value, a.need("other")), "other")
            .with("lt", (value, a) -> Operators.compare("<", value, a.need("other")), "other")
            .with("le", (value, a) -> Operators.compare("<=", value, a.need("other")), "other")
            .with("gt", (value, a) -> Operators.compare(">", value, a.need("other")), "other")
            .with("ge", (value, a) -> Operators.compare(">=", value, a.need("other")), "other")
            .alias("equalto", "eq")
            .alias("==", "eq")
            .alias("!=", "ne")
            .alias("<", "lt")
            .alias("lessthan", "lt")
            .alias("<=", "le")
            .alias(">", "gt")
            .alias("greaterthan", "gt")
            .alias(">=", "ge");

    private Tests() {}

    static boolean holds(String name, Object value, Arguments arguments) {
        return Values.truth(ALL.call(name, value, arguments));
    }

    private static boolean cased(Object value, String changed) {
        var text = PythonText.of(value);
        return text.equals(changed) && text.codePoints().anyMatch(Character::isLetter);
    }

    @SuppressWarnings("ReferenceEquality") // is what Python's "is" asks
    private static boolean same(Object value, Object other) {
        return value instanceof Boolean ? value.equals(other) : value == other;
    }
}
