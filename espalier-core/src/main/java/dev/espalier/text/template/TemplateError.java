package dev.espalier.text.template;

/** What is wrong with a template, without its name; {@link Template} adds name and line. */
final class TemplateError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The line in the template from 1, or 0 where only the one who evaluates knows it. */
    private final int line;

    TemplateError(String message) {
        this(message, 0);
    }

    TemplateError(String message, int line) {
        super(message);
        this.line = line;
    }

    int line() {
        return line;
    }
}
