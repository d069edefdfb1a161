package dev.espalier.text.template;

/**
 * What a name stands for that nobody defined: false, empty and written as nothing; anything else done with it is an
 * error.
 *
 * @param reason what is missing
 */
record Undefined(String reason) {
    TemplateError error() {
        return new TemplateError(reason);
    }

    @Override
    public String toString() {
        return "Undefined";
    }
}
