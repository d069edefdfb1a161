package dev.espalier.text.template;

/** What a text between quotes stands for: Python's escapes. */
final class StringLiteral {
    private StringLiteral() {}

    static String value(String inside, int line) {
        if (inside.indexOf('\\') < 0) {
            return inside;
        }
        var value = new StringBuilder();
        for (int at = 0; at < inside.length(); at++) {
            char character = inside.charAt(at);
            if (character != '\\') {
                value.append(character);
                continue;
            }
            char escaped = inside.charAt(++at);
            switch (escaped) {
                case 'n' -> value.append('\n');
                case 't' -> value.append('\t');
                case 'r' -> value.append('\r');
                case 'b' -> value.append('\b');
                case 'f' -> value.append('\f');
                case 'a' -> value.append('\u0007');
                case 'v' -> value.append('\u000b');
                case '\\', '\'', '"' -> value.append(escaped);
                case '\n' -> {} // a line goes on
                case 'x' -> at = hexadecimal(inside, at, 2, value, line);
                case 'u' -> at = hexadecimal(inside, at, 4, value, line);
                case 'U' -> at = hexadecimal(inside, at, 8, value, line);
                case '0', '1', '2', '3', '4', '5', '6', '7' -> at = octal(inside, at, value);
                case 'N' -> throw new TemplateError("characters by name (\\N) are not supported", line);
                default -> value.append('\\').append(escaped);
            }
        }
        return value.toString();
    }

    private static int hexadecimal(String inside, int at, int digits, StringBuilder value, int line) {
        int end = at + 1 + digits;
        if (end > inside.length() || !inside.substring(at + 1, end).matches("[0-9a-fA-F]+")) {
            throw new TemplateError("a text holds '\\" + inside.charAt(at) + "' without " + digits + " digits", line);
        }
        int codePoint = Integer.parseUnsignedInt(inside.substring(at + 1, end), 16);
        if (!Character.isValidCodePoint(codePoint)) {
            throw new TemplateError("a text holds '\\U' with a number that is no character", line);
        }
        value.appendCodePoint(codePoint);
        return end - 1;
    }

    private static int octal(String inside, int at, StringBuilder value) {
        int end = at + 1;
        while (end < inside.length() && end < at + 3 && inside.charAt(end) >= '0' && inside.charAt(end) <= '7') {
            end++;
        }
        value.append((char) Integer.parseInt(inside.substring(at, end), 8));
        return end - 1;
    }
}
