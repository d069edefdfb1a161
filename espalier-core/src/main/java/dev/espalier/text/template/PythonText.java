package dev.espalier.text.template;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Texts as Python writes and strips them. */
final class PythonText {
    private static final int MOST_DIGITS = 17; // of a double, so that it is read back as the same

    private PythonText() {}

    static boolean isSpace(int character) {
        return Character.isWhitespace(character) || Character.isSpaceChar(character) || character == 0x85;
    }

    static String stripEnd(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    static String stripStart(String text) {
        int start = 0;
        while (start < text.length() && isSpace(text.charAt(start))) {
            start++;
        }
        return text.substring(start);
    }

    /** {@code str(value)}. */
    static String of(Object value) {
        return value instanceof String text ? text : value instanceof Undefined ? "" : representation(value);
    }

    /** {@code repr(value)}. */
    static String representation(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "True" : "False";
        }
        if (value instanceof String text) {
            return quoted(text);
        }
        if (value instanceof Double number) {
            return number(number);
        }
        if (value instanceof Tuple tuple) {
            return "(" + listed(tuple) + (tuple.size() == 1 ? ",)" : ")");
        }
        if (value instanceof List<?> list) {
            return "[" + listed(list) + "]";
        }
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream()
                    .map(entry -> representation(entry.getKey()) + ": " + representation(entry.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        if (value instanceof Long || value == None.NONE || value instanceof Undefined) {
            return value.toString();
        }
        throw new TemplateError("writing " + Values.typeName(value) + " is not supported");
    }

    private static String listed(List<?> list) {
        return list.stream().map(PythonText::representation).collect(Collectors.joining(", "));
    }

    /** {@code repr} of a float: the fewest digits that are read back as the same number. */
    static String number(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        }
        if (number == 0) {
            return 1 / number < 0 ? "-0.0" : "0.0";
        }
        var digits = new BigDecimal(number).round(new MathContext(MOST_DIGITS));
        for (int count = 1; count < MOST_DIGITS; count++) {
            var shorter = new BigDecimal(number).round(new MathContext(count));
            if (shorter.doubleValue() == number) {
                digits = shorter;
                break;
            }
        }
        digits = digits.stripTrailingZeros();
        int exponent = digits.precision() - digits.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            var plain = digits.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        var unscaled = digits.unscaledValue().abs().toString();
        return (number < 0 ? "-" : "") + unscaled.charAt(0) + (unscaled.length() > 1 ? "." + unscaled.substring(1) : "")
                + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    private static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        var quoted = new StringBuilder().append(quote);
        text.codePoints().forEach(character -> {
            switch (character) {
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                case '\\' -> quoted.append("\\\\");
                default -> {
                    if (character == quote) {
                        quoted.append('\\').append(quote);
                    } else if (character < ' ' || character == 0x7f) {
                        quoted.append("\\x%02x".formatted(character));
                    } else {
                        quoted.appendCodePoint(character);
                    }
                }
            }
        });
        return quoted.append(quote).toString();
    }
}
