package dev.espalier.text.template;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads what stands inside one tag, token by token. */
final class TagLexer {
    private static final Pattern FLOAT = Pattern.compile(
            "(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)");
    private static final Pattern INTEGER = Pattern.compile("\\d+(?:_\\d+)*");
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}\\p{M}_]*");
    private static final Pattern STRING =
            Pattern.compile("'[^'\\\\]*(?:\\\\.[^'\\\\]*)*+'|\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*+\"", Pattern.DOTALL);
    private static final List<String> OPERATORS = List.of(
            "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
            "=", ".", ":", "|", ",", ";");

    private final String source;
    private final Deque<String> open = new ArrayDeque<>();
    private Optional<Token> token = Optional.empty();

    TagLexer(String source) {
        this.source = source;
    }

    /** Whether a bracket is open, so that {@code }}} closes it and not the tag. */
    boolean nested() {
        return !open.isEmpty();
    }

    /** What {@link #next} read; empty for whitespace. */
    Optional<Token> token() {
        return token;
    }

    /** Reads one token or some whitespace and returns where it ends. */
    int next(int position, int line) {
        int space = position;
        while (space < source.length() && PythonText.isSpace(source.charAt(space))) {
            space++;
        }
        if (space > position) {
            token = Optional.empty();
            return space;
        }
        int end = match(FLOAT, Token.Kind.FLOAT, position, line);
        end = end > position ? end : match(INTEGER, Token.Kind.INTEGER, position, line);
        end = end > position ? end : match(NAME, Token.Kind.NAME, position, line);
        end = end > position ? end : match(STRING, Token.Kind.STRING, position, line);
        return end > position ? end : operator(position, line);
    }

    private int match(Pattern pattern, Token.Kind kind, int position, int line) {
        var matcher = pattern.matcher(source).region(position, source.length()).useTransparentBounds(true);
        if (!matcher.lookingAt()) {
            return position;
        }
        var text = matcher.group();
        token = Optional.of(new Token(
                kind,
                switch (kind) {
                    case STRING -> StringLiteral.value(text.substring(1, text.length() - 1), line);
                    case INTEGER, FLOAT -> text.replace("_", "");
                    default -> text;
                },
                line));
        return matcher.end();
    }

    private int operator(int position, int line) {
        var found = OPERATORS.stream()
                .filter(operator -> source.startsWith(operator, position))
                .findFirst()
                .orElseThrow(() -> new TemplateError(
                        "unexpected character '" + new StringBuilder().appendCodePoint(source.codePointAt(position))
                                + "' in a tag",
                        line));
        switch (found) {
            case "(" -> open.push(")");
            case "[" -> open.push("]");
            case "{" -> open.push("}");
            case ")", "]", "}" -> {
                if (open.isEmpty() || !open.pop().equals(found)) {
                    throw new TemplateError("'" + found + "' closes no bracket", line);
                }
            }
            default -> {}
        }
        token = Optional.of(new Token(Token.Kind.OPERATOR, found, line));
        return position + found.length();
    }
}
