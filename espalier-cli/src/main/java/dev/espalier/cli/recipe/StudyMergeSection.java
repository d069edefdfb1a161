package dev.espalier.cli.recipe;

import dev.espalier.merge.MergeMethod;
import dev.espalier.merge.MergeMethods;
import dev.espalier.study.StudyMerge;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One way to merge in a study; see {@link StudyMerge}, which it becomes. */
public record StudyMergeSection(
        @Key(
                value = "The merge: average, task-arithmetic, ties, dare-ties, della, breadcrumbs, overlap-mean, ...",
                required = true,
                example = "ties")
        String method,

        @Key(value = "What tables call it; by default the method.", example = "ties-10") @Nullable String name,

        @Key(
                value = "The share of each change that takes part; by default the method's.",
                example = "0.2",
                above = 0,
                atMost = 1)
        @Nullable Double density,

        @Key(value = "Factor on the result; by default the method's.", example = "0.4") @Nullable Double lambda,

        @Key("Factors of which the best on the validation rows of the merged experts' tasks is taken, for each draw.")
        List<Double> chooseLambda)
        implements Checked {
    static final StudyMergeSection DEFAULT = new StudyMergeSection("average", null, null, null, List.of());

    public StudyMergeSection {
        chooseLambda = List.copyOf(chooseLambda);
    }

    @Override
    public void check() {
        merge();
    }

    /** Its name in tables. */
    public String title() {
        return name == null ? method : name;
    }

    /** What the library needs to know of it. */
    public StudyMerge merge() {
        MergeMethod made = MergeMethods.of(method);
        if (density != null) {
            made = made.withDensity(density);
        }
        if (lambda != null) {
            made = made.withLambda(lambda);
        }
        return new StudyMerge(title(), made, chooseLambda);
    }
}
