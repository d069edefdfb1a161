package dev.espalier.text.template;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Times by the directives of C's {@code strftime}, in English as in its C locale. */
final class Strftime {
    private static final Map<String, String> PATTERNS = Map.ofEntries(
            Map.entry("a", "EEE"),
            Map.entry("A", "EEEE"),
            Map.entry("b", "MMM"),
            Map.entry("B", "MMMM"),
            Map.entry("d", "dd"),
            Map.entry("-d", "d"),
            Map.entry("m", "MM"),
            Map.entry("-m", "M"),
            Map.entry("y", "yy"),
            Map.entry("Y", "uuuu"),
            Map.entry("H", "HH"),
            Map.entry("-H", "H"),
            Map.entry("I", "hh"),
            Map.entry("-I", "h"),
            Map.entry("M", "mm"),
            Map.entry("S", "ss"),
            Map.entry("p", "a"),
            Map.entry("j", "DDD"),
            Map.entry("F", "uuuu-MM-dd"),
            Map.entry("T", "HH:mm:ss"));

    private Strftime() {}

    static String format(LocalDateTime time, String format) {
        var text = new StringBuilder();
        for (int at = 0; at < format.length(); at++) {
            if (format.charAt(at) != '%') {
                text.append(format.charAt(at));
            } else if (format.startsWith("%%", at)) {
                text.append('%');
                at++;
            } else {
                int end = Math.min(format.length(), at + (format.startsWith("%-", at) ? 3 : 2));
                var directive = format.substring(at + 1, end);
                var pattern = PATTERNS.get(directive);
                if (pattern == null) {
                    throw new TemplateError("'strftime_now' with '%" + directive + "' is not supported");
                }
                text.append(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time));
                at = end - 1;
            }
        }
        return text.toString();
    }
}
