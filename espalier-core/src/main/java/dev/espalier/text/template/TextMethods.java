package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** The methods of Python's texts. */
final class TextMethods {
    private static final Pattern LINE_END = Pattern.compile("\r\n|[\n\r\u000b\f\u001c-\u001e\u0085\u2028\u2029]");

    static final Functions ALL = new Functions("method of a str")
            .with("strip", (value, a) -> strip(of(value), a, true, true), "chars")
            .with("lstrip", (value, a) -> strip(of(value), a, true, false), "chars")
            .with("rstrip", (value, a) -> strip(of(value), a, false, true), "chars")
            .with("upper", (value, a) -> of(value).toUpperCase(Locale.ROOT))
            .with("lower", (value, a) -> of(value).toLowerCase(Locale.ROOT))
            .with("title", (value, a) -> title(of(value)))
            .with("capitalize", (value, a) -> capitalize(of(value)))
            .with("startswith", (value, a) -> any(a.need("prefix"), of(value)::startsWith), "prefix")
            .with("endswith", (value, a) -> any(a.need("suffix"), of(value)::endsWith), "suffix")
            .with("removeprefix", (value, a) -> removePrefix(of(value), a.text("prefix")), "prefix")
            .with("removesuffix", (value, a) -> removeSuffix(of(value), a.text("suffix")), "suffix")
            .with("split", (value, a) -> split(of(value), a, false), "sep", "maxsplit")
            .with("rsplit", (value, a) -> split(of(value), a, true), "sep", "maxsplit")
            .with("splitlines", (value, a) -> lines(of(value)))
            .with("partition", (value, a) -> partition(of(value), a.text("sep")), "sep")
            .with("join", (value, a) -> join(of(value), a.need("iterable")), "iterable")
            .with("replace", (value, a) -> replace(of(value), a), "old", "new", "count")
            .with("find", (value, a) -> place(of(value), of(value).indexOf(a.text("sub"))), "sub")
            .with("rfind", (value, a) -> place(of(value), of(value).lastIndexOf(a.text("sub"))), "sub")
            .with("count", (value, a) -> count(of(value), a.text("sub")), "sub")
            .with("isdigit", (value, a) -> all(of(value), Character::isDigit))
            .with("isalpha", (value, a) -> all(of(value), Character::isLetter))
            .with("isalnum", (value, a) -> all(of(value), Character::isLetterOrDigit))
            .with("isspace", (value, a) -> all(of(value), PythonText::isSpace));

    private TextMethods() {}

    private static String of(Object value) {
        return (String) value;
    }

    /** {@code strip}, {@code lstrip} and {@code rstrip}: whitespace, or the characters given. */
    static String strip(String text, Arguments.Bound arguments, boolean start, boolean end) {
        var characters = arguments.text("chars", "");
        IntPredicate stripped =
                arguments.has("chars") ? character -> characters.indexOf(character) >= 0 : PythonText::isSpace;
        int from = 0;
        int to = text.length();
        while (start && from < to && stripped.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && to > from && stripped.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return text.substring(from, to);
    }

    static String capitalize(String text) {
        int first = text.isEmpty() ? 0 : Character.charCount(text.codePointAt(0));
        return text.substring(0, first).toUpperCase(Locale.ROOT)
                + text.substring(first).toLowerCase(Locale.ROOT);
    }

    private static String title(String text) {
        var titled = new StringBuilder();
        boolean[] inWord = {false};
        text.codePoints().forEach(character -> {
            var one = Character.toString(character);
            titled.append(inWord[0] ? one.toLowerCase(Locale.ROOT) : one.toUpperCase(Locale.ROOT));
            inWord[0] = Character.isLetter(character);
        });
        return titled.toString();
    }

    private static boolean any(Object given, Predicate<String> matches) {
        return given instanceof Tuple several
                ? several.stream().map(PythonText::of).anyMatch(matches)
                : given instanceof String one
                        ? matches.test(one)
                        : refuse("expected a text or a tuple of texts, found " + Values.typeName(given));
    }

    private static boolean refuse(String message) {
        throw new TemplateError(message);
    }

    private static String removePrefix(String text, String prefix) {
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
    }

    private static String removeSuffix(String text, String suffix) {
        return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
    }

    private static List<Object> split(String text, Arguments.Bound arguments, boolean fromEnd) {
        int most = arguments.whole("maxsplit", -1);
        if (!arguments.has("sep")) {
            if (most >= 0) {
                throw new TemplateError(
                        "'" + arguments.function() + "' with 'maxsplit' and without 'sep' is not supported");
            }
            return words(text);
        }
        var separator = arguments.text("sep");
        if (separator.isEmpty()) {
            throw new TemplateError("'" + arguments.function() + "' has an empty separator");
        }
        var parts = new ArrayList<Object>();
        var left = text;
        for (int at = find(left, separator, fromEnd);
                at >= 0 && (most < 0 || parts.size() < most);
                at = find(left, separator, fromEnd)) {
            int after = at + separator.length();
            parts.add(fromEnd ? left.substring(after) : left.substring(0, at));
            left = fromEnd ? left.substring(0, at) : left.substring(after);
        }
        parts.add(left);
        if (fromEnd) {
            Collections.reverse(parts);
        }
        return parts;
    }

    private static List<Object> words(String text) {
        var words = new ArrayList<Object>();
        int start = 0;
        for (int at = 0; at <= text.length(); at++) {
            if (at == text.length() || PythonText.isSpace(text.charAt(at))) {
                if (at > start) {
                    words.add(text.substring(start, at));
                }
                start = at + 1;
            }
        }
        return words;
    }

    private static int find(String text, String separator, boolean last) {
        return last ? text.lastIndexOf(separator) : text.indexOf(separator);
    }

    private static List<Object> lines(String text) {
        var lines = new ArrayList<Object>(List.of(LINE_END.split(text, -1)));
        if (lines.get(lines.size() - 1).equals("")) {
            lines.remove(lines.size() - 1);
        }
        return lines;
    }

    private static Tuple partition(String text, String separator) {
        int at = text.indexOf(separator);
        return at < 0
                ? Tuple.of(text, "", "")
                : Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    private static String join(String separator, Object parts) {
        return String.join(
                separator,
                Values.iterate(parts).stream()
                        .map(part -> part instanceof String text
                                ? text
                                : PythonText.of(refuse("'join' expects texts, found " + Values.typeName(part))))
                        .toList());
    }

    /** {@code replace(old, new, count)}, all or the first {@code count}. */
    static String replace(String text, Arguments.Bound arguments) {
        var old = arguments.text("old");
        var fresh = arguments.text("new");
        int most = arguments.whole("count", -1);
        if (most < 0) {
            return text.replace(old, fresh);
        }
        var replaced = new StringBuilder();
        int from = 0;
        for (int done = 0; done < most; done++) {
            int at = text.indexOf(old, from);
            if (at < 0 || old.isEmpty()) {
                break;
            }
            replaced.append(text, from, at).append(fresh);
            from = at + old.length();
        }
        return replaced.append(text.substring(from)).toString();
    }

    private static long place(String text, int index) {
        return index < 0 ? -1 : text.codePointCount(0, index);
    }

    private static long count(String text, String part) {
        return part.isEmpty()
                ? Values.length(text) + 1
                : (text.length() - text.replace(part, "").length()) / part.length();
    }

    private static boolean all(String text, IntPredicate kind) {
        return !text.isEmpty() && text.codePoints().allMatch(kind);
    }
}
