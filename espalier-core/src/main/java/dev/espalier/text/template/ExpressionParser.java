package dev.espalier.text.template;

import dev.espalier.text.template.Expression.Arithmetic;
import dev.espalier.text.template.Expression.Comparison;
import dev.espalier.text.template.Expression.Concatenation;
import dev.espalier.text.template.Expression.Conditional;
import dev.espalier.text.template.Expression.Constant;
import dev.espalier.text.template.Expression.Junction;
import dev.espalier.text.template.Expression.Listed;
import dev.espalier.text.template.Expression.Negative;
import dev.espalier.text.template.Expression.Not;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Reads expressions, by Jinja2's precedence: {@code if else}, {@code or}, {@code and}, {@code not}, comparisons,
 * {@code + -}, {@code ~}, {@code * / // %}, {@code **}; what binds closer reads {@link OperandParser}.
 */
final class ExpressionParser {
    private final TokenStream tokens;
    private final OperandParser operands;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
        operands = new OperandParser(tokens, this);
    }

    Expression expression() {
        var value = disjunction();
        while (tokens.skipName("if")) {
            int line = tokens.peek().line();
            var test = disjunction();
            var otherwise = tokens.skipName("else")
                    ? expression()
                    : new Constant(new Undefined("the 'if' without 'else' in line " + line + " has no value"));
            value = new Conditional(test, value, otherwise);
        }
        return value;
    }

    /** An expression, or several with commas between, which are a tuple. */
    Expression tuple() {
        return several(this::expression, false);
    }

    /** As {@link #tuple}, but {@code if} ends it. */
    Expression tupleWithoutCondition() {
        return several(this::disjunction, false);
    }

    /** What stands in parentheses, which may be nothing. */
    Expression inParentheses() {
        return several(this::expression, true);
    }

    private Expression several(Supplier<Expression> one, boolean mayBeEmpty) {
        var entries = new ArrayList<Expression>();
        boolean tuple = false;
        while (!tupleEnds()) {
            entries.add(one.get());
            if (!tokens.skipOperator(",")) {
                break;
            }
            tuple = true;
        }
        if (!tuple && !entries.isEmpty()) {
            return entries.get(0);
        }
        if (entries.isEmpty() && !mayBeEmpty) {
            throw tokens.wrong("an expression");
        }
        return new Listed(entries, true);
    }

    private boolean tupleEnds() {
        return tokens.at(Token.Kind.VARIABLE_END)
                || tokens.at(Token.Kind.BLOCK_END)
                || tokens.atOperator(")")
                || tokens.atName("recursive");
    }

    Expression disjunction() {
        var left = conjunction();
        while (tokens.skipName("or")) {
            left = new Junction(false, left, conjunction());
        }
        return left;
    }

    private Expression conjunction() {
        var left = negation();
        while (tokens.skipName("and")) {
            left = new Junction(true, left, negation());
        }
        return left;
    }

    private Expression negation() {
        return tokens.skipName("not") ? new Not(negation()) : comparison();
    }

    private Expression comparison() {
        var first = sum();
        var others = new ArrayList<Map.Entry<String, Expression>>();
        while (true) {
            if (tokens.atOperator("==", "!=", "<", "<=", ">", ">=") || tokens.atName("in")) {
                var operator = tokens.next().text();
                others.add(Map.entry(operator, sum()));
            } else if (tokens.skipName("not")) {
                tokens.expectName("in");
                others.add(Map.entry("not in", sum()));
            } else {
                return others.isEmpty() ? first : new Comparison(first, List.copyOf(others));
            }
        }
    }

    private Expression sum() {
        return leftToRight(this::concatenation, "+", "-");
    }

    private Expression concatenation() {
        var parts = new ArrayList<Expression>(List.of(product()));
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return parts.size() == 1 ? parts.get(0) : new Concatenation(parts);
    }

    private Expression product() {
        return leftToRight(this::power, "*", "/", "//", "%");
    }

    private Expression power() {
        return leftToRight(() -> unary(true), "**");
    }

    private Expression leftToRight(Supplier<Expression> operand, String... operators) {
        var left = operand.get();
        while (tokens.atOperator(operators)) {
            left = new Arithmetic(tokens.next().text(), left, operand.get());
        }
        return left;
    }

    private Expression unary(boolean filtered) {
        Expression value;
        if (tokens.skipOperator("-")) {
            value = new Negative(unary(false));
        } else if (tokens.skipOperator("+")) {
            value = new Arithmetic("+", new Constant(0L), unary(false));
        } else {
            value = operands.primary();
        }
        value = operands.postfix(value);
        return filtered ? operands.filtered(value) : value;
    }
}
