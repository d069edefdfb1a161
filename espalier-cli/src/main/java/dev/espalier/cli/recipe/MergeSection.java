package dev.espalier.cli.recipe;

import dev.espalier.merge.Granularity;
import dev.espalier.merge.MergeSettings;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What of a merge method is other than its default; see {@link MergeSettings}, which it becomes. */
public record MergeSection(
        @Key(
                value = "The share of each adapter's change that takes part; by default the method's own.",
                example = "0.2",
                above = 0,
                atMost = 1)
        @Nullable Double density,

        @Key(
                value =
                        "Among which numbers magnitudes are ranked: row, tensor or global; by default the method's own.",
                example = "global")
        @Nullable Granularity granularity,

        @Key(value = "Factor on the merged change; by default the method's own.", example = "0.4") @Nullable Double lambda,

        @Key(
                value = "breadcrumbs: the share of the largest magnitudes that is left out.",
                example = "0.01",
                atLeast = 0,
                below = 1)
        @Nullable Double gamma,

        @Key(
                value = "della: how far probabilities are from the density at most.",
                example = "0.1",
                atLeast = 0,
                below = 1)
        @Nullable Double epsilon,

        @Key(value = "slerp: where between two adapters.", example = "0.5", atLeast = 0, atMost = 1) @Nullable Double t) {
    /** Nothing other. */
    public static final MergeSection DEFAULT = new MergeSection(null, null, null, null, null, null);

    /** What the library needs to know of it. */
    public MergeSettings settings() {
        return new MergeSettings(
                Optional.ofNullable(density),
                Optional.ofNullable(granularity),
                Optional.ofNullable(lambda),
                Optional.ofNullable(gamma),
                Optional.ofNullable(epsilon),
                Optional.ofNullable(t));
    }
}
