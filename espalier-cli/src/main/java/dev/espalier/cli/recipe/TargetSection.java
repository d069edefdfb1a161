package dev.espalier.cli.recipe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where an adapter attaches; its keys stand among those of the method.
 *
 * @param targetModules the modules adapted
 * @param excludeModules modules left out though they match
 * @param modulesToSave modules trained and saved whole
 * @param computeDtype of the adapter's products; by default the base's
 */
public record TargetSection(
        @Key(
                "Linear modules that get an adapter: a list of names (a whole path or its end after a dot), a regular expression for whole paths, or all-linear for every linear but the head.")
        Modules targetModules,

        @Key("Modules left out though they match, in the same notation.")
        Modules excludeModules,

        @Key("Modules that are trained whole and saved with the adapter. The heads always are.")
        List<String> modulesToSave,

        @Key(
                value = "Number type of the adapter's matrix products; by default that of the frozen weights.",
                example = "fp32")
        @Nullable Dtype computeDtype) {
    /** Attention's queries and values, as in the LoRA paper. */
    public static final TargetSection DEFAULT =
            new TargetSection(Modules.named(List.of("query", "value")), Modules.named(List.of()), List.of(), null);

    public TargetSection {
        modulesToSave = List.copyOf(modulesToSave);
    }
}
