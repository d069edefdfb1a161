package dev.espalier.text.template;

/** What a template can call. */
@FunctionalInterface
interface Callable {
    Object call(Arguments arguments);
}
