package dev.espalier.text.template;

import dev.espalier.error.Nearest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** Reads a whole template. */
final class StatementParser {
    private static final List<String> TAGS =
            List.of("if", "for", "set", "macro", "generation", "break", "continue", "raw");

    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private int loops;

    private StatementParser(TokenStream tokens) {
        this.tokens = tokens;
        expressions = new ExpressionParser(tokens);
    }

    static List<Statement> parse(String template) {
        return new StatementParser(new TokenStream(Lexer.tokens(template))).until();
    }

    /** Statements up to one of the tags that end them, whose name is next then; without any, to the template's end. */
    private List<Statement> until(String... ends) {
        var statements = new ArrayList<Statement>();
        while (true) {
            var token = tokens.next();
            switch (token.kind()) {
                case DATA -> statements.add(new Statement.Data(token.text()));
                case VARIABLE_BEGIN -> {
                    statements.add(new Statement.Output(expressions.tuple(), token.line()));
                    tokens.expect(Token.Kind.VARIABLE_END);
                }
                case BLOCK_BEGIN -> {
                    if (tokens.atName(ends)) {
                        return statements;
                    }
                    statements.add(statement(token.line(), ends));
                }
                default -> {
                    if (ends.length > 0) {
                        throw new TemplateError(
                                "expected '" + String.join("' or '", ends) + "' before the end of the template",
                                token.line());
                    }
                    return statements;
                }
            }
        }
    }

    private Statement statement(int line, String... ends) {
        var tag = tokens.anyName();
        return switch (tag) {
            case "if" -> condition(line);
            case "for" -> loop(line);
            case "set" -> set(line);
            case "macro" -> macro();
            case "generation" -> new Statement.Generation(body("endgeneration"), line);
            case "break" -> jump(Statement.Flow.BREAK, tag, line);
            case "continue" -> jump(Statement.Flow.CONTINUE, tag, line);
            default ->
                throw new TemplateError(
                        tag.startsWith("end") || tag.startsWith("el")
                                ? "'" + tag + "' ends nothing that is open"
                                        + (ends.length == 0 ? "" : "; expected '" + String.join("' or '", ends) + "'")
                                : "the tag '" + tag + "' is not supported (nearest: '"
                                        + Nearest.to(tag, TAGS, 1).get(0) + "')",
                        line);
        };
    }

    /** The rest of a tag, what follows it, and the tag that ends that. */
    private List<Statement> body(String end) {
        tokens.expect(Token.Kind.BLOCK_END);
        var body = until(end);
        close(end);
        return body;
    }

    private void close(String end) {
        tokens.expectName(end);
        tokens.expect(Token.Kind.BLOCK_END);
    }

    private Statement condition(int line) {
        var test = expressions.tupleWithoutCondition();
        tokens.expect(Token.Kind.BLOCK_END);
        var body = until("elif", "else", "endif");
        if (tokens.atName("elif")) {
            int next = tokens.next().line();
            return new Statement.If(test, body, List.of(condition(next)), line);
        }
        if (tokens.skipName("else")) {
            return new Statement.If(test, body, body("endif"), line);
        }
        close("endif");
        return new Statement.If(test, body, List.of(), line);
    }

    private Statement loop(int line) {
        var target = target("in");
        tokens.expectName("in");
        var sequence = expressions.tupleWithoutCondition();
        Optional<Expression> test = tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        if (tokens.atName("recursive")) {
            throw new TemplateError("a recursive 'for' is not supported", line);
        }
        tokens.expect(Token.Kind.BLOCK_END);
        loops++;
        var body = until("endfor", "else");
        loops--;
        var otherwise = List.<Statement>of();
        if (tokens.skipName("else")) {
            otherwise = body("endfor");
        } else {
            close("endfor");
        }
        return new Statement.For(target, sequence, test, body, otherwise, line);
    }

    private Statement set(int line) {
        var target = target("=");
        if (tokens.skipOperator("=")) {
            var value = expressions.tuple();
            tokens.expect(Token.Kind.BLOCK_END);
            return new Statement.Set(target, value, line);
        }
        return new Statement.SetBlock(target, body("endset"), line);
    }

    private Assignment target(String end) {
        var targets = new ArrayList<Assignment>();
        boolean several = false;
        do {
            if (tokens.atOperator(end) || tokens.atName(end)) {
                break;
            }
            targets.add(one());
            several |= tokens.atOperator(",");
        } while (tokens.skipOperator(","));
        return several ? new Assignment.ToSeveral(targets) : targets.get(0);
    }

    private Assignment one() {
        if (tokens.skipOperator("(")) {
            var inside = target(")");
            tokens.expectOperator(")");
            return inside;
        }
        var name = tokens.anyName();
        return tokens.skipOperator(".")
                ? new Assignment.ToNamespace(name, tokens.anyName())
                : new Assignment.ToName(name);
    }

    private Statement macro() {
        var name = tokens.anyName();
        var parameters = new ArrayList<String>();
        var defaults = new LinkedHashMap<String, Expression>();
        tokens.expectOperator("(");
        while (!tokens.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            var parameter = tokens.anyName();
            parameters.add(parameter);
            if (tokens.skipOperator("=")) {
                defaults.put(parameter, expressions.expression());
            }
        }
        int around = loops;
        loops = 0; // a macro does not end the loop it stands in
        var body = body("endmacro");
        loops = around;
        return new Statement.Macro(name, parameters, defaults, body);
    }

    private Statement jump(Statement.Flow flow, String tag, int line) {
        if (loops == 0) {
            throw new TemplateError("'" + tag + "' stands outside of any 'for'", line);
        }
        tokens.expect(Token.Kind.BLOCK_END);
        return new Statement.Jump(flow);
    }
}
