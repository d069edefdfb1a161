package dev.espalier.allocation;

import dev.espalier.error.InputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Which weight matrices compete with each other for experts; a matrix in no group gets none. */
public enum Grouping {
    /** All matrices of attention together, and no others. */
    ATTENTION,
    /** Those of the same type, such as every {@code self_attn.q_proj}. */
    TYPE,
    /** All together. */
    ALL;

    /**
     * The groups of {@code modules} by name, in order.
     *
     * @throws InputException if none of the modules is in a group
     */
    public Map<String, List<String>> groups(List<String> modules) {
        Map<String, List<String>> groups = new LinkedHashMap<>();
        for (var module : modules) {
            var path = ModulePath.of(module);
            if (this != ATTENTION || path.isAttention()) {
                groups.computeIfAbsent(name(path), name -> new ArrayList<>()).add(module);
            }
        }
        if (groups.isEmpty()) {
            throw new InputException("None of the " + modules.size() + " matrices, '" + modules.get(0)
                    + "' for one, is of attention; choose the group type or all.");
        }
        return groups;
    }

    /**
     * The modules that are in a group.
     *
     * @throws InputException if there is none
     */
    List<String> members(List<String> modules) {
        var members = groups(modules).values().stream().flatMap(List::stream).collect(Collectors.toSet());
        return modules.stream().filter(members::contains).toList();
    }

    private String name(ModulePath path) {
        return switch (this) {
            case ATTENTION -> "attention";
            case TYPE -> path.type();
            case ALL -> "all";
        };
    }
}
