package dev.espalier.cli.recipe;

import dev.espalier.merge.MergeMethods;
import dev.espalier.study.StudyMerge;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One way to merge in a study; see {@link StudyMerge}, which it becomes. */
public record StudyMergeSection(
        @Key(value = "How: one of espalier merge --help.", required = true, example = "ties")
        String method,

        @Key(value = "What tables call it; by default the method.", example = "ties-10")
        @Nullable String name,

        @Inline MergeSection settings,

        @Key("Factors of which the best on the validation rows of the merged experts' tasks is taken, for each draw.")
        List<Double> chooseLambda)
        implements Checked {
    static final StudyMergeSection DEFAULT = new StudyMergeSection("average", null, MergeSection.DEFAULT, List.of());

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
        return new StudyMerge(title(), settings.settings().on(MergeMethods.of(method)), chooseLambda);
    }
}
