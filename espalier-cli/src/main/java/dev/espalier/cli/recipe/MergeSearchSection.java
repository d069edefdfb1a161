package dev.espalier.cli.recipe;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which numbers of a merge are searched on validation data. */
public record MergeSearchSection(
        @Key(value = "Values of lambda to try.", example = "[0.2, 0.4, 0.6, 0.8, 1]") @Nullable List<Double> lambda,

        @Key(value = "Values of density to try, each with each lambda.", example = "[0.1, 0.2, 0.4]") @Nullable List<Double> density,

        @Key("Search the adapters' weights between -1.5 and 1.5 without gradients, as LoraHub does; before the rest.")
        boolean weights,

        @Key(value = "Merges that are scored at most in that search.", atLeast = 2)
        int evaluations,

        @Key(value = "Validation rows of each task at most; 0 for all.", atLeast = 0)
        int limit,

        @Key(
                value =
                        "Data of the tasks, by name those of the adapters' heads; by default what the adapters' runs had.",
                example = "[{builtin: topic}]")
        List<TaskSection> tasks) {
    /** Nothing is searched. */
    public static final MergeSearchSection NONE = new MergeSearchSection(null, null, false, 40, 200, List.of());

    /** Values of lambda where a search names none. */
    public static final List<Double> LAMBDAS = List.of(0.2, 0.4, 0.6, 0.8, 1.0);

    /** Values of density where a search names none. */
    public static final List<Double> DENSITIES = List.of(0.1, 0.2, 0.4, 0.8);

    public MergeSearchSection {
        tasks = List.copyOf(tasks);
    }

    /** Whether anything is searched. */
    public boolean isWanted() {
        return weights || lambda != null || density != null;
    }
}
