package dev.espalier.text.template;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Parts a template into text and tags. Whitespace around tags goes as with Jinja2's {@code trim_blocks} and
 * {@code lstrip_blocks}, which transformers sets: the newline after a block tag and the indentation before one are
 * dropped; {@code -} drops all whitespace on its side, {@code +} keeps it.
 */
final class Lexer {
    private static final Pattern BEGIN = Pattern.compile("\\{([{%#])([-+]?)");
    private static final Pattern COMMENT_END = Pattern.compile("\\+#}|-#}[\\s\\x{85}\\p{Z}]*|#}\\n?");
    private static final Pattern VARIABLE_END = Pattern.compile("-}}[\\s\\x{85}\\p{Z}]*|}}");
    private static final Pattern BLOCK_END = Pattern.compile("\\+%}|-%}[\\s\\x{85}\\p{Z}]*|%}\\n?");
    private static final Pattern RAW = Pattern.compile("\\s*raw\\s*(?:-%}[\\s\\x{85}\\p{Z}]*|%})");
    private static final Pattern RAW_END =
            Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%}|-%}[\\s\\x{85}\\p{Z}]*|%}\\n?)");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private int counted;

    /** Whether what was consumed last ended with a newline, so that indentation may follow. */
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        var lines = template.replace("\r\n", "\n").replace('\r', '\n');
        return new Lexer(lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines).read();
    }

    private List<Token> read() {
        var begin = BEGIN.matcher(source);
        while (begin.find(position)) {
            int from = position;
            position = begin.start();
            data(
                    source.substring(from, position),
                    begin.group(2),
                    !begin.group(1).equals("{"),
                    from);
            int line = line(position);
            position = begin.end();
            lineStarting = false;
            switch (begin.group(1)) {
                case "#" -> comment(line);
                case "{" -> tag(Token.Kind.VARIABLE_BEGIN, Token.Kind.VARIABLE_END, VARIABLE_END, line);
                default -> block(line);
            }
        }
        data(source.substring(position), "+", false, position);
        tokens.add(new Token(Token.Kind.END, "", line(source.length())));
        return tokens;
    }

    /** Text before a tag, with the whitespace that the tag's sign drops gone. */
    private void data(String text, String sign, boolean indentable, int from) {
        var kept = text;
        if (sign.equals("-")) {
            kept = PythonText.stripEnd(text);
        } else if (sign.isEmpty() && indentable) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting)
                    && PythonText.stripEnd(text.substring(lineStart)).isEmpty()) {
                kept = text.substring(0, lineStart);
            }
        }
        if (!kept.isEmpty()) {
            tokens.add(new Token(Token.Kind.DATA, kept, line(from)));
        }
    }

    private void comment(int begun) {
        var end = COMMENT_END.matcher(source);
        if (!end.find(position)) {
            throw new TemplateError("a comment is not closed by '#}'", begun);
        }
        consume(end);
    }

    private void block(int begun) {
        var raw = RAW.matcher(source).region(position, source.length());
        if (!raw.lookingAt()) {
            tag(Token.Kind.BLOCK_BEGIN, Token.Kind.BLOCK_END, BLOCK_END, begun);
            return;
        }
        consume(raw);
        var end = RAW_END.matcher(source);
        if (!end.find(position)) {
            throw new TemplateError("'raw' is not closed by 'endraw'", begun);
        }
        data(source.substring(position, end.start()), end.group(1), true, position);
        consume(end);
    }

    private void tag(Token.Kind begin, Token.Kind end, Pattern endPattern, int begun) {
        tokens.add(new Token(begin, "", begun));
        var inside = new TagLexer(source);
        var closing = endPattern.matcher(source);
        while (inside.nested() || !closing.region(position, source.length()).lookingAt()) {
            if (position == source.length()) {
                throw new TemplateError("a tag is not closed", begun);
            }
            int start = position;
            position = inside.next(position, line(position));
            if (position > start) {
                inside.token().ifPresent(tokens::add);
            }
        }
        tokens.add(new Token(end, "", line(position)));
        consume(closing);
    }

    private void consume(Matcher match) {
        position = match.end();
        lineStarting = source.charAt(position - 1) == '\n';
    }

    private int line(int place) {
        for (; counted < place; counted++) {
            if (source.charAt(counted) == '\n') {
                line++;
            }
        }
        return line;
    }
}
