package dev.espalier.cli.recipe;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Documents a key of a recipe, on the record component that holds it; the key's name is the component's in kebab-case,
 * its default is the component's value in the section's {@code DEFAULT}. The reader enforces the limits, and the
 * template prints all of it.
 */
@Target(ElementType.RECORD_COMPONENT)
@Retention(RetentionPolicy.RUNTIME)
@interface Key {
    /** What the key means, in a sentence or two. */
    String value();

    /** What the template shows for a key without a default. */
    String example() default "";

    /** Whether a recipe must have the key. */
    boolean required() default false;

    /** The smallest number allowed. */
    double atLeast() default Double.NEGATIVE_INFINITY;

    /** Numbers must be larger than this one. */
    double above() default Double.NEGATIVE_INFINITY;

    /** The largest number allowed. */
    double atMost() default Double.POSITIVE_INFINITY;

    /** Numbers must be smaller than this one. */
    double below() default Double.POSITIVE_INFINITY;
}
