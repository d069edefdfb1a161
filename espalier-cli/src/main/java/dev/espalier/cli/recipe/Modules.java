package dev.espalier.cli.recipe;

import dev.espalier.adapter.ModuleNames;
import java.util.List;

/**
 * Which modules: a list of names, each a module's whole path or its end after a dot, or one regular expression that
 * matches whole paths ({@code all-linear} stands for every linear but the output head), as in PEFT.
 *
 * @param values the names, or the one pattern
 * @param pattern whether it is a pattern
 */
public record Modules(List<String> values, boolean pattern) {
    public Modules {
        values = List.copyOf(values);
    }

    /** Modules by name. */
    public static Modules named(List<String> names) {
        return new Modules(names, false);
    }

    /** Modules by pattern, or {@code all-linear}. */
    public static Modules matching(String pattern) {
        return new Modules(List.of(pattern), true);
    }

    static Modules of(ModuleNames names) {
        return names.regex().map(Modules::matching).orElseGet(() -> named(names.names()));
    }

    ModuleNames names() {
        return pattern ? ModuleNames.matching(values.get(0)) : ModuleNames.of(values);
    }
}
