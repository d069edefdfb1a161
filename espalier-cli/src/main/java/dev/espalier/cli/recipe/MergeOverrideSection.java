package dev.espalier.cli.recipe;

import dev.espalier.adapter.ModuleNames;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is merged otherwise in some modules. */
public record MergeOverrideSection(
        @Key(
                value = "Which modules: names, each a whole path or the end of one, or one expression.",
                required = true,
                example = "[value]")
        @Nullable Modules modules,

        @Key(value = "Another method.", example = "average") @Nullable String method,

        @Inline MergeSection settings,

        @Key(value = "Other weights of the adapters, in their order.", example = "[1, 0.5]") @Nullable List<Double> weights) {
    /** Without modules: each needs its own. */
    public static final MergeOverrideSection DEFAULT = new MergeOverrideSection(null, null, MergeSection.DEFAULT, null);

    /**
     * What the library needs to know of it.
     *
     * @param usual the method of the rest
     */
    MergePlan.Override override(String usual, MergeSection ofRest) {
        var names = modules == null ? ModuleNames.of(List.of()) : modules.names();
        boolean same = method == null || method.equals(usual);
        var base = MergeMethods.of(method == null ? usual : method);
        var inherited = same ? ofRest.settings().on(base) : base;
        return new MergePlan.Override(
                names, Optional.of(settings.settings().on(inherited)), Optional.ofNullable(weights));
    }
}
