package dev.espalier.cli.recipe;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.apache.commons.lang3.StringUtils;
import org.apache.commons.text.WordUtils;
import org.jspecify.annotations.Nullable;

/** Writes sections as YAML, either bare or with every key explained. */
final class RecipeWriter {
    private static final int WIDTH = 100;

    private final boolean documented;
    private final StringBuilder out = new StringBuilder();

    private RecipeWriter(boolean documented) {
        this.documented = documented;
    }

    /** The section; keys without a value are left out. */
    static String bare(Record section) {
        var writer = new RecipeWriter(false);
        writer.section(section, "");
        return writer.out.toString();
    }

    /** The section with every key explained; keys without a value stand in comments. */
    static String documented(Record section) {
        var writer = new RecipeWriter(true);
        writer.section(section, "");
        return writer.out.toString();
    }

    private void section(Record section, String indent) {
        if (Variants.isVariant(section)) {
            method(section, indent);
        }
        for (var field : Field.of(section)) {
            var value = field.in(section);
            if (field.inline()) {
                section((Record) Objects.requireNonNull(value), indent);
            } else if (!unset(value)) {
                set(field, Objects.requireNonNull(value), indent);
            } else if (documented) {
                explain(field, indent);
                suggest(field, indent);
            }
        }
    }

    private void method(Record section, String indent) {
        if (documented) {
            var methods = Variants.of(Variants.sealedOf(section), Recipes.DEFAULTS).values().stream()
                    .map(each -> Variants.method(each) + " (" + Variants.is(each) + ")")
                    .collect(Collectors.joining(", "));
            comment("The method: " + methods + ".", indent);
        }
        line(indent + "method: " + Variants.method(section));
    }

    private void set(Field field, Object value, String indent) {
        var key = indent + field.name() + ":";
        if (documented) {
            explain(field, indent);
        }
        if (value instanceof Record section && !(value instanceof Modules)) {
            line(key);
            section(section, indent + "  ");
        } else if (value instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Record) {
            line(key);
            list.forEach(item -> item((Record) item, indent + "    "));
        } else {
            line(key + " " + inline(value));
        }
    }

    /** An item of a list: the dash stands before its first line. */
    private void item(Record section, String indent) {
        var dash = indent.substring(2) + "- ";
        int begin = out.length();
        section(section, indent);
        out.replace(begin, begin + indent.length(), dash);
    }

    /** A key that has no value, as a comment to be completed. */
    private void suggest(Field field, String indent) {
        var begin = indent + "# " + field.name() + ":";
        if (!field.type().isRecord()) {
            line(begin + " " + example(field));
            return;
        }
        line(begin);
        for (var below : Field.all(field.type())) {
            line(indent + "#   " + below.name() + ": " + example(below) + "    # "
                    + below.key().value());
        }
    }

    private static String example(Field field) {
        var example = field.key().example();
        return field.type() == String.class ? Scalars.text(example) : example;
    }

    private void explain(Field field, String indent) {
        if (indent.isEmpty()) {
            line("");
        }
        var key = field.key();
        var text = new StringBuilder(key.value());
        if (field.type().isEnum()) {
            text.append(" One of: ")
                    .append(String.join(", ", Scalars.constants(field.type())))
                    .append('.');
        }
        var limits = Field.limits(key);
        if (!limits.isEmpty()) {
            text.append(' ').append(StringUtils.capitalize(limits)).append('.');
        }
        comment(text.toString(), indent);
    }

    private void comment(String text, String indent) {
        WordUtils.wrap(text, WIDTH - indent.length()).lines().forEach(line -> line(indent + "# " + line));
    }

    private void line(String text) {
        out.append(text).append('\n');
    }

    /** A value in one line. */
    static String inline(Object value) {
        if (value instanceof Modules modules) {
            return modules.pattern() ? Scalars.text(modules.values().get(0)) : inline(modules.values());
        }
        if (value instanceof List<?> list) {
            return list.stream().map(RecipeWriter::inline).collect(Collectors.joining(", ", "[", "]"));
        }
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream()
                    .map(entry -> Scalars.text(entry.getKey()) + ": " + Scalars.text(entry.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        return Scalars.text(value);
    }

    /** Nothing, or a section in which nothing is set. */
    private static boolean unset(@Nullable Object value) {
        return value == null
                || value instanceof Record section
                        && !Field.of(section).isEmpty()
                        && Field.of(section).stream().allMatch(field -> field.in(section) == null);
    }
}
