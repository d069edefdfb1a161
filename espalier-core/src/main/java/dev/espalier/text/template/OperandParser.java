package dev.espalier.text.template;

import dev.espalier.text.template.Expression.Attribute;
import dev.espalier.text.template.Expression.Call;
import dev.espalier.text.template.Expression.Constant;
import dev.espalier.text.template.Expression.Filtered;
import dev.espalier.text.template.Expression.Given;
import dev.espalier.text.template.Expression.Item;
import dev.espalier.text.template.Expression.Listed;
import dev.espalier.text.template.Expression.Mapped;
import dev.espalier.text.template.Expression.Name;
import dev.espalier.text.template.Expression.Not;
import dev.espalier.text.template.Expression.Slice;
import dev.espalier.text.template.Expression.Tested;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads literals and names, and what follows them: attributes, items, calls, filters and tests. */
final class OperandParser {
    private static final Constant NONE = new Constant(None.NONE);

    private final TokenStream tokens;
    private final ExpressionParser expressions;

    OperandParser(TokenStream tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    Expression primary() {
        if (tokens.at(Token.Kind.STRING)) {
            var text = new StringBuilder();
            while (tokens.at(Token.Kind.STRING)) {
                text.append(tokens.next().text());
            }
            return new Constant(text.toString());
        }
        if (tokens.atOperator("(", "[", "{")) {
            return bracketed(tokens.next().text());
        }
        var token = tokens.peek();
        return switch (token.kind()) {
            case NAME -> {
                tokens.next();
                yield named(token.text());
            }
            case INTEGER -> {
                tokens.next();
                yield new Constant(whole(token));
            }
            case FLOAT -> {
                tokens.next();
                yield new Constant(Double.valueOf(token.text()));
            }
            default -> throw tokens.wrong("an expression");
        };
    }

    private static Expression named(String name) {
        return switch (name) {
            case "true", "True" -> new Constant(true);
            case "false", "False" -> new Constant(false);
            case "none", "None" -> NONE;
            default -> new Name(name);
        };
    }

    private static Long whole(Token token) {
        try {
            return Long.valueOf(token.text());
        } catch (NumberFormatException e) {
            throw new TemplateError("the number " + token.text() + " is too large", token.line());
        }
    }

    private Expression bracketed(String bracket) {
        if (bracket.equals("(")) {
            var value = expressions.inParentheses();
            tokens.expectOperator(")");
            return value;
        }
        return bracket.equals("[") ? list() : map();
    }

    private Expression list() {
        var entries = new ArrayList<Expression>();
        while (!tokens.skipOperator("]")) {
            if (!entries.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator("]")) {
                    break;
                }
            }
            entries.add(expressions.expression());
        }
        return new Listed(entries, false);
    }

    private Expression map() {
        var entries = new ArrayList<Map.Entry<Expression, Expression>>();
        while (!tokens.skipOperator("}")) {
            if (!entries.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator("}")) {
                    break;
                }
            }
            var key = expressions.expression();
            tokens.expectOperator(":");
            entries.add(Map.entry(key, expressions.expression()));
        }
        return new Mapped(entries);
    }

    /** Attributes, items and calls. */
    Expression postfix(Expression operand) {
        var value = operand;
        while (true) {
            if (tokens.skipOperator(".")) {
                value = tokens.at(Token.Kind.INTEGER)
                        ? new Item(value, new Constant(whole(tokens.next())))
                        : new Attribute(value, tokens.anyName());
            } else if (tokens.skipOperator("[")) {
                value = subscript(value);
            } else if (tokens.skipOperator("(")) {
                value = new Call(value, given());
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression value) {
        var parts = new ArrayList<Expression>();
        Expression part = NONE;
        while (!tokens.atOperator("]")) {
            if (tokens.skipOperator(":")) {
                parts.add(part);
                part = NONE;
            } else {
                part = expressions.expression();
                if (!tokens.atOperator(":", "]")) {
                    throw tokens.wrong("']'");
                }
            }
        }
        tokens.expectOperator("]");
        parts.add(part);
        return switch (parts.size()) {
            case 1 -> new Item(value, part);
            case 2 -> new Slice(value, parts.get(0), parts.get(1), NONE);
            case 3 -> new Slice(value, parts.get(0), parts.get(1), parts.get(2));
            default -> throw tokens.wrong("a slice of three parts at most");
        };
    }

    /** Filters, tests, and calls of what they give. */
    Expression filtered(Expression operand) {
        var value = operand;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = filter(value);
            } else if (tokens.skipName("is")) {
                value = test(value);
            } else if (tokens.skipOperator("(")) {
                value = new Call(value, given());
            } else {
                return value;
            }
        }
    }

    private Expression filter(Expression value) {
        int line = tokens.peek().line();
        var name = tokens.anyName();
        Filters.ALL.check(name, line);
        return new Filtered(value, name, optionalArguments());
    }

    private Expression test(Expression value) {
        boolean negated = tokens.skipName("not");
        int line = tokens.peek().line();
        var name = tokens.anyName();
        Tests.ALL.check(name, line);
        var tested = new Tested(value, name, testArguments());
        return negated ? new Not(tested) : tested;
    }

    private Given testArguments() {
        boolean operand =
                switch (tokens.peek().kind()) {
                    case NAME -> !tokens.atName("else", "or", "and");
                    case STRING, INTEGER, FLOAT -> true;
                    default -> tokens.atOperator("[", "{");
                };
        if (tokens.atName("is")) {
            throw new TemplateError(
                    "tests cannot be chained with 'is'", tokens.peek().line());
        }
        return operand ? new Given(List.of(postfix(primary())), Map.of()) : optionalArguments();
    }

    private Given optionalArguments() {
        return tokens.skipOperator("(") ? given() : new Given(List.of(), Map.of());
    }

    /** Arguments after their opening parenthesis. */
    private Given given() {
        var places = new ArrayList<Expression>();
        var names = new LinkedHashMap<String, Expression>();
        while (!tokens.skipOperator(")")) {
            if (!places.isEmpty() || !names.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            if (tokens.atOperator("*", "**")) {
                throw new TemplateError(
                        "arguments spread with '" + tokens.peek().text() + "' are not supported",
                        tokens.peek().line());
            }
            var value = expressions.expression();
            if (value instanceof Name name && tokens.skipOperator("=")) {
                names.put(name.name(), expressions.expression());
            } else if (names.isEmpty()) {
                places.add(value);
            } else {
                throw new TemplateError(
                        "an argument without a name follows one with a name",
                        tokens.peek().line());
            }
        }
        return new Given(places, names);
    }
}
