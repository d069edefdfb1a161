package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Arithmetic and comparison as in Python. */
final class Operators {
    private Operators() {}

    static Object arithmetic(String operator, Object left, Object right) {
        refuseUndefined(left);
        refuseUndefined(right);
        try {
            if (Values.integer(left) && Values.integer(right)) {
                return whole(operator, Values.whole(left), Values.whole(right));
            }
            if (number(left) && number(right)) {
                return fractional(operator, toDouble(left), toDouble(right));
            }
        } catch (ArithmeticException e) {
            throw new TemplateError("'" + operator + "' overflows or divides by zero");
        }
        if (operator.equals("+") && left instanceof String start && right instanceof String end) {
            return start + end;
        }
        if (operator.equals("+")
                && left instanceof List<?> start
                && right instanceof List<?> end
                && left instanceof Tuple == right instanceof Tuple) {
            var joined = new ArrayList<Object>(start);
            joined.addAll(end);
            return left instanceof Tuple ? new Tuple(joined) : joined;
        }
        if (operator.equals("*") && left instanceof String text && Values.integer(right)) {
            return text.repeat((int) Math.max(0, Math.min(Values.whole(right), Globals.MOST)));
        }
        throw new TemplateError(
                "'" + operator + "' does not work between " + Values.typeName(left) + " and " + Values.typeName(right));
    }

    static Object negative(Object value) {
        if (value instanceof Double number) {
            return -number;
        }
        return Math.negateExact(Values.whole(value));
    }

    private static Object whole(String operator, long left, long right) {
        return switch (operator) {
            case "+" -> Math.addExact(left, right);
            case "-" -> Math.subtractExact(left, right);
            case "*" -> Math.multiplyExact(left, right);
            case "/" -> (Object) fractional("/", left, right);
            case "//" -> Math.floorDiv(left, right);
            case "%" -> Math.floorMod(left, right);
            default -> right < 0 ? (Object) Math.pow(left, right) : (Object) power(left, right);
        };
    }

    private static long power(long base, long exponent) {
        return java.math.BigInteger.valueOf(base)
                .pow((int) Math.min(exponent, Globals.MOST))
                .longValueExact();
    }

    private static double fractional(String operator, double left, double right) {
        if (right == 0 && !operator.matches("[-+]|\\*+")) {
            throw new ArithmeticException();
        }
        return switch (operator) {
            case "+" -> left + right;
            case "-" -> left - right;
            case "*" -> left * right;
            case "/" -> left / right;
            case "//" -> Math.floor(left / right);
            case "%" -> left - right * Math.floor(left / right);
            default -> Math.pow(left, right);
        };
    }

    static boolean compare(String operator, Object left, Object right) {
        return switch (operator) {
            case "==" -> equal(left, right);
            case "!=" -> !equal(left, right);
            case "in" -> contains(right, left);
            case "not in" -> !contains(right, left);
            case "<" -> order(left, right) < 0;
            case "<=" -> order(left, right) <= 0;
            case ">" -> order(left, right) > 0;
            default -> order(left, right) >= 0;
        };
    }

    static boolean equal(Object left, Object right) {
        if (number(left) && number(right)) {
            return Values.integer(left) && Values.integer(right)
                    ? Values.whole(left) == Values.whole(right)
                    : toDouble(left) == toDouble(right);
        }
        if (left instanceof List<?> first && right instanceof List<?> second) {
            return left instanceof Tuple == right instanceof Tuple
                    && first.size() == second.size()
                    && all(first.iterator(), second.iterator());
        }
        if (left instanceof Map<?, ?> first && right instanceof Map<?, ?> second) {
            return first.keySet().equals(second.keySet())
                    && first.entrySet().stream()
                            .allMatch(entry ->
                                    equal(entry.getValue(), Objects.requireNonNull(second.get(entry.getKey()))));
        }
        return left instanceof Undefined && right instanceof Undefined || left.equals(right);
    }

    private static boolean all(Iterator<?> first, Iterator<?> second) {
        while (first.hasNext()) {
            if (!equal(first.next(), second.next())) {
                return false;
            }
        }
        return true;
    }

    static boolean contains(Object all, Object one) {
        if (all instanceof String text) {
            if (one instanceof String part) {
                return text.contains(part);
            }
            throw new TemplateError("'in' looks for texts in a text, not for " + Values.typeName(one));
        }
        return Values.iterate(all).stream().anyMatch(entry -> equal(entry, one));
    }

    /** How two values are ordered; texts by code point. */
    static int order(Object left, Object right) {
        if (number(left) && number(right)) {
            return Values.integer(left) && Values.integer(right)
                    ? Long.compare(Values.whole(left), Values.whole(right))
                    : Double.compare(toDouble(left), toDouble(right));
        }
        if (left instanceof String first && right instanceof String second) {
            return Arrays.compare(
                    first.codePoints().toArray(), second.codePoints().toArray());
        }
        if (left instanceof List<?> first
                && right instanceof List<?> second
                && left instanceof Tuple == right instanceof Tuple) {
            for (int i = 0; i < Math.min(first.size(), second.size()); i++) {
                if (!equal(first.get(i), second.get(i))) {
                    return order(first.get(i), second.get(i));
                }
            }
            return Integer.compare(first.size(), second.size());
        }
        refuseUndefined(left);
        refuseUndefined(right);
        throw new TemplateError(Values.typeName(left) + " and " + Values.typeName(right) + " have no order");
    }

    static boolean number(Object value) {
        return value instanceof Double || Values.integer(value);
    }

    static double toDouble(Object value) {
        return value instanceof Double number ? number : Values.whole(value);
    }

    private static void refuseUndefined(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
    }
}
