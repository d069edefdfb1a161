package dev.espalier.cli.recipe;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The value of the key {@code method} that chooses this record among those of its sealed interface; see {@link Family} for several. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@interface Variant {
    /** The method's name. */
    String value();

    /** What it is, in a few words. */
    String is();
}
