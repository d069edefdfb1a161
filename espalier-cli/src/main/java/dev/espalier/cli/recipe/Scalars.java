package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.io.JsonStringEncoder;

/** Values of a recipe from and to text. */
final class Scalars {
    private static final Pattern NUMBER = Pattern.compile("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?");
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z./~][\\w./~-]*");
    private static final Set<String> RESERVED =
            Set.of("true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ".inf", ".nan");

    private Scalars() {}

    /** Whether {@link #parse} knows the type. */
    static boolean isScalar(Class<?> type) {
        return type.isEnum() || type == String.class || isBoolean(type) || isInteger(type) || isDouble(type);
    }

    /**
     * The text as a value of {@code type}.
     *
     * @param where position and key, for what is wrong with it
     */
    static Object parse(String text, Class<?> type, Key key, String where) {
        if (type.isEnum()) {
            return constant(text, type, where);
        }
        if (isBoolean(type)) {
            if (!text.equals("true") && !text.equals("false")) {
                throw new InputException(where + " must be true or false, not '" + text + "'.");
            }
            return Boolean.valueOf(text);
        }
        if (isInteger(type) || isDouble(type)) {
            return number(text, type, key, where);
        }
        return text;
    }

    private static Object constant(String text, Class<?> type, String where) {
        var constants = constants(type);
        for (var constant : type.getEnumConstants()) {
            if (Field.kebab((Enum<?>) constant).equals(text)) {
                return constant;
            }
        }
        throw new InputException(where + " is '" + text + "', which is none of " + String.join(", ", constants)
                + "; did you mean '" + Nearest.to(text, constants, 1).get(0) + "'?");
    }

    /** The names of an enum's constants in recipes. */
    static List<String> constants(Class<?> type) {
        return Arrays.stream(type.getEnumConstants())
                .map(constant -> Field.kebab((Enum<?>) constant))
                .toList();
    }

    private static Number number(String text, Class<?> type, Key key, String where) {
        if (!NUMBER.matcher(text).matches()) {
            throw new InputException(
                    where + " must be a " + (isInteger(type) ? "whole " : "") + "number, not '" + text + "'.");
        }
        var value = Double.parseDouble(text);
        if (value < key.atLeast() || value > key.atMost() || value <= key.above() || value >= key.below()) {
            throw new InputException(where + " is " + text + "; it must be " + Field.limits(key) + ".");
        }
        if (isDouble(type)) {
            return value;
        }
        return integer(text, type, where);
    }

    private static Number integer(String text, Class<?> type, String where) {
        try {
            if (type == int.class || type == Integer.class) {
                return Integer.parseInt(text);
            }
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new InputException(
                    where
                            + (text.matches("[-+]?\\d+")
                                    ? " is too large: " + text
                                    : " must be a whole number, not '" + text + "'")
                            + ".",
                    e);
        }
    }

    /** A value as YAML. */
    static String text(Object value) {
        if (value instanceof Enum<?> constant) {
            return Field.kebab(constant);
        }
        if (value instanceof Double number) {
            // 5.0E-4 is 5e-4, 3.0 is 3: both read back as the same number.
            return number.toString().replace(".0E", "e").replace('E', 'e').replaceAll("\\.0$", "");
        }
        if (value instanceof String text && (!PLAIN.matcher(text).matches() || RESERVED.contains(text))) {
            return '"' + new String(JsonStringEncoder.getInstance().quoteAsCharArray(text)) + '"';
        }
        return value.toString();
    }

    private static boolean isBoolean(Class<?> type) {
        return type == boolean.class || type == Boolean.class;
    }

    private static boolean isInteger(Class<?> type) {
        return type == int.class || type == Integer.class || type == long.class || type == Long.class;
    }

    private static boolean isDouble(Class<?> type) {
        return type == double.class || type == Double.class;
    }
}
