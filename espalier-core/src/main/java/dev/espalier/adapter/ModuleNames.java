package dev.espalier.adapter;

import dev.espalier.error.InputException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Module names as PEFT's configs give them: a list, whose entries match a module's exact path or its end after a dot, or
 * a regular expression that matches whole paths.
 *
 * @param names the list; empty where there is an expression
 * @param regex the expression
 */
public record ModuleNames(List<String> names, Optional<String> regex) {
    private static final Pattern LAYER = Pattern.compile(".*?\\.(\\d+)\\.");

    public ModuleNames {
        names = List.copyOf(names);
        regex.ifPresent(ModuleNames::compile);
    }

    /** A list of names. */
    public static ModuleNames of(List<String> names) {
        return new ModuleNames(names, Optional.empty());
    }

    /** A regular expression. */
    public static ModuleNames matching(String regex) {
        return new ModuleNames(List.of(), Optional.of(regex));
    }

    /** Whether {@code path} is one of these modules. */
    public boolean matches(String path) {
        return regex.map(r -> compile(r).matcher(path).matches())
                .orElseGet(() -> names.stream().anyMatch(name -> isEnd(name, path)));
    }

    /** Whether {@code name} is {@code path} or its end after a dot. */
    static boolean isEnd(String name, String path) {
        return path.equals(name) || path.endsWith("." + name);
    }

    /** The value of the first key {@code K} that {@code path} matches as {@code (.*\.)?(K)}, in the map's order. */
    static <T> Optional<T> firstMatch(Map<String, T> pattern, String path) {
        return pattern.entrySet().stream()
                .filter(entry -> compile("(.*\\.)?(" + entry.getKey() + ")")
                        .matcher(path)
                        .matches())
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** The index of the layer that {@code path} lies in, or -1. */
    static int layer(String path) {
        var matcher = LAYER.matcher(path);
        return matcher.lookingAt() ? Integer.parseInt(matcher.group(1)) : -1;
    }

    static Pattern compile(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new InputException(
                    "'" + regex + "' is not a regular expression: " + e.getDescription() + " at position "
                            + e.getIndex() + ".",
                    e);
        }
    }
}
