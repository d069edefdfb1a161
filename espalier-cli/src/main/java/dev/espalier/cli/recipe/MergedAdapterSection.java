package dev.espalier.cli.recipe;

import org.jspecify.annotations.Nullable;

/** An adapter that is merged. */
public record MergedAdapterSection(
        @Key(value = "The folder of a run or of an adapter.", required = true, example = "runs/my-run") @Nullable String path,

        @Key(value = "Its name in tables and the report; by default the folder's.", example = "my-run") @Nullable String name,

        @Key("Its weight.") double weight,

        @Key(
                value =
                        "Of a mixture, its experts' weights: run (by how much the router used them at the end of the adapter's run), or a JSON file {module: [weight of each expert]}; by default every expert has the same weight.",
                example = "run")
        @Nullable String gates) {
    /** Without a path: each needs its own. */
    public static final MergedAdapterSection DEFAULT = new MergedAdapterSection(null, null, 1, null);
}
