package dev.espalier.cli.recipe;

import dev.espalier.adapter.ModuleNames;
import dev.espalier.adapter.TargetModules;
import java.util.List;
import java.util.Optional;

/** Where an adapter attaches; its keys stand among those of the method. See {@link TargetModules}, which it becomes. */
public record TargetSection(
        @Key(
                "Modules that get an adapter: a list of names (a whole path or its end after a dot), a regular expression for whole paths, or all-linear for every linear but those of the heads; if empty, what makes queries and values (query and value, q_proj and v_proj, qkv_proj or c_attn), and keys with sparse methods and full.")
        Modules targetModules,

        @Key("Modules left out though they match: a list of names or a regular expression.")
        Modules excludeModules,

        @Key(value = "Only these layers, counted from 0; all if empty.", atLeast = 0)
        List<Integer> layersToTransform) {
    public TargetSection {
        layersToTransform = List.copyOf(layersToTransform);
    }

    static TargetSection of(TargetModules targets) {
        return new TargetSection(
                targets.modules().map(Modules::of).orElse(Modules.matching(TargetModules.ALL_LINEAR)),
                targets.exclude().map(Modules::of).orElse(Modules.named(List.of())),
                targets.layersToTransform());
    }

    TargetModules targets() {
        boolean all = targetModules.equals(Modules.matching(TargetModules.ALL_LINEAR));
        Optional<ModuleNames> excluded =
                excludeModules.values().isEmpty() ? Optional.empty() : Optional.of(excludeModules.names());
        return new TargetModules(
                all ? Optional.empty() : Optional.of(targetModules.names()), excluded, layersToTransform, List.of());
    }
}
