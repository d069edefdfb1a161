package dev.espalier.text.template;

/** An object of the language with attributes of its own. */
interface Attributed {
    /** The attribute's value, or {@link Undefined}. */
    Object attribute(String name);
}
