package dev.espalier.cli.recipe;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A component of a section's record, seen as a key of the recipe. */
record Field(RecordComponent component) {
    static List<Field> of(Class<?> section) {
        return Arrays.stream(section.getRecordComponents()).map(Field::new).toList();
    }

    /** The names of all keys of a section, those of inlined records too. */
    static List<String> names(Class<?> section) {
        return of(section).stream()
                .flatMap(field -> field.inline() ? names(field.type()).stream() : List.of(field.name()).stream())
                .collect(Collectors.toList());
    }

    /** The component's name in kebab-case. */
    String name() {
        return kebab(component.getName());
    }

    Class<?> type() {
        return component.getType();
    }

    Type genericType() {
        return component.getGenericType();
    }

    boolean inline() {
        return component.isAnnotationPresent(Inline.class);
    }

    boolean optional() {
        return component.getAnnotatedType().isAnnotationPresent(Nullable.class);
    }

    Key key() {
        var key = component.getAnnotation(Key.class);
        if (key == null) {
            throw new IllegalStateException(component + " of a recipe section has no @Key");
        }
        return key;
    }

    /** This component's value in {@code section}. */
    @Nullable Object in(Record section) {
        try {
            var accessor = component.getAccessor();
            return accessor.invoke(section);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Cannot read " + component, e);
        }
    }

    /** {@code warmUpSteps} as {@code warm-up-steps}. */
    static String kebab(String camelCase) {
        return camelCase.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    /** The name of an enum constant in recipes: {@code TOKEN_LABELS} is {@code token-labels}. */
    static String kebab(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The numbers that the key allows, in words; empty if it allows all. */
    static String limits(Key key) {
        var limits = new StringBuilder();
        if (key.atLeast() != Double.NEGATIVE_INFINITY) {
            limits.append("at least ").append(Scalars.text(key.atLeast()));
        } else if (key.above() != Double.NEGATIVE_INFINITY) {
            limits.append("above ").append(Scalars.text(key.above()));
        }
        if (key.atMost() != Double.POSITIVE_INFINITY) {
            limits.append(limits.isEmpty() ? "" : " and ").append("at most ").append(Scalars.text(key.atMost()));
        } else if (key.below() != Double.POSITIVE_INFINITY) {
            limits.append(limits.isEmpty() ? "" : " and ").append("below ").append(Scalars.text(key.below()));
        }
        return limits.toString();
    }
}
