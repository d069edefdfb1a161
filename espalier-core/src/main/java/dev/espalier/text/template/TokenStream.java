package dev.espalier.text.template;

import java.util.Arrays;
import java.util.List;

/** The tokens of a template, one after another. */
final class TokenStream {
    private final List<Token> tokens;
    private int next;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(next);
    }

    Token next() {
        var token = peek();
        next = Math.min(next + 1, tokens.size() - 1);
        return token;
    }

    boolean at(Token.Kind kind) {
        return peek().kind() == kind;
    }

    boolean atName(String... names) {
        return at(Token.Kind.NAME) && Arrays.asList(names).contains(peek().text());
    }

    boolean atOperator(String... operators) {
        return at(Token.Kind.OPERATOR) && Arrays.asList(operators).contains(peek().text());
    }

    /** Goes on if the operator is next. */
    boolean skipOperator(String operator) {
        return skip(Token.Kind.OPERATOR, operator);
    }

    /** Goes on if the word is next. */
    boolean skipName(String name) {
        return skip(Token.Kind.NAME, name);
    }

    private boolean skip(Token.Kind kind, String text) {
        boolean there = peek().is(kind, text);
        if (there) {
            next();
        }
        return there;
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw wrong("'" + operator + "'");
        }
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw wrong("'" + name + "'");
        }
    }

    String anyName() {
        if (!at(Token.Kind.NAME)) {
            throw wrong("a name");
        }
        return next().text();
    }

    void expect(Token.Kind kind) {
        if (!at(kind)) {
            throw wrong(new Token(kind, "", 0).described());
        }
        next();
    }

    /** An error for something else standing where {@code expected} should. */
    TemplateError wrong(String expected) {
        return new TemplateError("expected " + expected + ", found " + peek().described(), peek().line());
    }
}
