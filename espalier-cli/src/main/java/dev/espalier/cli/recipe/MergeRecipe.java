package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A merge, as its YAML file describes it. */
public record MergeRecipe(
        @Key(
                value = "The base model, a folder or a name; by default the one that the adapters name.",
                example = "all-minilm-l6-v2")
        @Nullable String base,

        @Key(value = "What is merged.", required = true, example = "[{path: runs/a}, {path: runs/b}]")
        List<MergedAdapterSection> adapters,

        @Key("How: one of espalier merge --help.") String method,

        @Inline MergeSection settings,

        @Key("Other methods, numbers or weights for some modules; the first that names a module decides.")
        List<MergeOverrideSection> overrides,

        @Key("Draws what methods drop at random.") long seed,

        @Key("What is written: lora, concat, sparse, full, dense or masks.")
        MergeFormat format,

        @Key(
                value = "lora: the rank; by default the largest of the adapters that have one, else 16.",
                example = "16",
                atLeast = 1)
        @Nullable Integer rank,

        @Key("What is searched on validation data.") MergeSearchSection search,

        @Key(value = "The folder to make; it must not exist yet.", example = "merged") @Nullable String output)
        implements Checked {
    /** TIES into LoRA. */
    public static final MergeRecipe DEFAULT = new MergeRecipe(
            null,
            List.of(),
            "ties",
            MergeSection.DEFAULT,
            List.of(),
            0,
            MergeFormat.LORA,
            null,
            MergeSearchSection.NONE,
            null);

    public MergeRecipe {
        adapters = List.copyOf(adapters);
        overrides = List.copyOf(overrides);
    }

    @Override
    public void check() {
        plan();
        if (adapters.isEmpty()) {
            throw new InputException("adapters is empty; give at least one, such as - path: runs/my-run.");
        }
    }

    /** What the library needs to know of the merge, without a search. */
    public MergePlan plan() {
        return new MergePlan(
                settings.settings().on(MergeMethods.of(method)),
                adapters.stream().map(MergedAdapterSection::weight).toList(),
                overrides.stream()
                        .map(override -> override.override(method, settings))
                        .toList(),
                seed);
    }

    /** The same with other adapters. */
    public MergeRecipe withAdapters(List<MergedAdapterSection> given) {
        return new MergeRecipe(base, given, method, settings, overrides, seed, format, rank, search, output);
    }

    /** The same in another folder. */
    public MergeRecipe withOutput(String given) {
        return new MergeRecipe(base, adapters, method, settings, overrides, seed, format, rank, search, given);
    }
}
