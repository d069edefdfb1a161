package dev.espalier.cli.recipe;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A component of a section's record, seen as a key of the recipe. */
record Field(RecordComponent component) {
    /** All components, those that are no keys of the section too. */
    static List<Field> all(Class<?> section) {
        return Arrays.stream(section.getRecordComponents()).map(Field::new).toList();
    }

    /** The components that are keys of {@code section}, and records whose keys are. */
    static List<Field> of(Record section) {
        return all(section.getClass()).stream()
                .filter(field -> field.isKeyOf(section))
                .toList();
    }

    /** The names of all keys of a section, those of inlined records too. */
    static List<String> names(Record section) {
        return of(section).stream()
                .flatMap(field -> field.inline()
                        ? names((Record) Objects.requireNonNull(field.in(section))).stream()
                        : Stream.of(field.name()))
                .toList();
    }

    /** Whether a recipe may set this component of {@code section}. */
    boolean isKeyOf(Record section) {
        return !(section instanceof Family family)
                || inline()
                || family.known().keys().contains(name());
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
