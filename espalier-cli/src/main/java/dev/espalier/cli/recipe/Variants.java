package dev.espalier.cli.recipe;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** The sections of a sealed interface by the value of {@code method} that chooses them. */
final class Variants {
    private Variants() {}

    /** Whether the key {@code method} chooses sections of this kind. */
    static boolean isVariant(Record section) {
        return section instanceof Family || section.getClass().isAnnotationPresent(Variant.class);
    }

    /** The method of a section. */
    static String method(Record section) {
        return section instanceof Family family
                ? family.method()
                : section.getClass().getAnnotation(Variant.class).value();
    }

    /** What the method is, in a few words. */
    static String is(Record section) {
        return section instanceof Family family
                ? family.known().is()
                : section.getClass().getAnnotation(Variant.class).is();
    }

    /** The defaults that implement {@code sealed}, by method, in their order. */
    static Map<String, Record> of(Class<?> sealed, Collection<Record> defaults) {
        Map<String, Record> variants = new LinkedHashMap<>();
        defaults.stream().filter(sealed::isInstance).forEach(section -> variants.put(method(section), section));
        return variants;
    }

    /** The sealed interface whose variant {@code section} is. */
    static Class<?> sealedOf(Record section) {
        return Arrays.stream(section.getClass().getInterfaces())
                .filter(Class::isSealed)
                .findFirst()
                .orElseThrow();
    }
}
