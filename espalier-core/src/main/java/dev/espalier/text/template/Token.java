package dev.espalier.text.template;

/**
 * A piece of a template.
 *
 * @param text what stands there; of a string its value
 * @param line from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        /** Text that is copied to the output. */
        DATA,
        VARIABLE_BEGIN,
        VARIABLE_END,
        BLOCK_BEGIN,
        BLOCK_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Kind other, String value) {
        return kind == other && text.equals(value);
    }

    String described() {
        return switch (kind) {
            case END -> "the end of the template";
            case VARIABLE_END -> "'}}'";
            case BLOCK_END -> "'%}'";
            case STRING -> "a text";
            default -> "'" + text + "'";
        };
    }
}
