package dev.espalier.cli.recipe;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.Pooling;
import dev.espalier.study.StudyPlan;
import dev.espalier.train.TrainingOptions;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A study of merges, as its YAML file describes it. */
public record StudyRecipe(
        @Key("The frozen model, as in a recipe: an encoder or a causal language model.")
        String model,

        @Key(
                "Number type of the frozen weights in training: bf16, the default where the CPU multiplies it in hardware, or fp32.")
        Dtype dtype,

        @Key(
                "Number type of the weights while merges are scored: in bf16, small changes are lost where they are added to weights.")
        Dtype scoringDtype,

        @Key(
                "What an encoder's embedding of a text is: the mean of the tokens (default, mean) or the first token (cls).")
        Pooling pooling,

        @Key("How an encoder compares texts with labels and candidates.")
        LabelEmbeddingsSection labelEmbeddings,

        @Key("The tasks that experts are trained for; by default twenty built-in ones.")
        List<TaskSection> heldIn,

        @Key(
                "The tasks that merges are scored on beside, which no expert is trained for; by default five built-in ones.")
        List<TaskSection> heldOut,

        @Key(value = "Rows of each split at most, of tasks that set no limit themselves; 0 for all.", atLeast = 0)
        int limit,

        @Key(
                value =
                        "Share of the training rows held out for validation, of tasks that neither have nor set one: it chooses each expert's checkpoint.",
                atLeast = 0,
                below = 1)
        double validationFraction,

        @Key(value = "Rows of a task that a merge is scored on at most; 0 for all.", atLeast = 0)
        int rows,

        @Key(
                value = "The kinds of experts: one of each is trained for every held-in task.",
                required = true,
                example = "[{name: lora}]")
        List<ExpertSection> experts,

        @Key("How they are merged.") List<StudyMergeSection> merges,

        @Key(value = "How many experts are merged.", atLeast = 1)
        List<Integer> counts,

        @Key(value = "How many sets of experts are drawn for each count.", atLeast = 1)
        int draws,

        @Key("Draws the sets of experts, and what a merge draws.")
        long seed,

        @Key("How each expert is trained.") TrainingSection training,

        @Key(value = "Folder of the study; by default runs/NAME-OF-THIS-FILE.", example = "runs/study") @Nullable String output)
        implements Checked {
    static final StudyRecipe DEFAULT = new StudyRecipe(
            "all-minilm-l6-v2",
            Dtype.usual(),
            Dtype.FP32,
            Pooling.DEFAULT,
            LabelEmbeddingsSection.DEFAULT,
            Stream.of(
                            "noun-supersense",
                            "verb-supersense",
                            "gloss-pos",
                            "topic",
                            "verb-frame",
                            "common-or-rare",
                            "instance-or-class",
                            "synonym",
                            "antonym-or-synonym",
                            "is-a",
                            "relation",
                            "part-member-substance",
                            "entails-or-causes",
                            "word-in-context",
                            "definition-choice",
                            "hypernym-choice",
                            "lemma-choice",
                            "definition-of",
                            "domain-choice",
                            "pertainym-choice")
                    .map(TaskSection::builtin)
                    .toList(),
            Stream.of("entity-type", "usage-class", "cloze-choice", "antonym-choice", "part-choice")
                    .map(TaskSection::builtin)
                    .toList(),
            0,
            0.1,
            0,
            List.of(),
            List.of(StudyMergeSection.DEFAULT),
            List.of(2, 5, 10, 20),
            3,
            0,
            TrainingSection.DEFAULT,
            null);

    public StudyRecipe {
        heldIn = List.copyOf(heldIn);
        heldOut = List.copyOf(heldOut);
        experts = List.copyOf(experts);
        merges = List.copyOf(merges);
        counts = List.copyOf(counts);
    }

    /** What the library needs to know of scoring. */
    public TrainingOptions scoring() {
        return training.options(scoringDtype);
    }

    /** The tasks with the study's limits, held in before held out. */
    public List<TaskSection> tasks() {
        return Stream.concat(heldIn.stream(), heldOut.stream())
                .map(task -> task.orElse(limit, validationFraction))
                .toList();
    }

    /** Which experts are merged and scored on what. */
    public StudyPlan plan() {
        return new StudyPlan(titles(heldIn), titles(heldOut), counts, draws, seed);
    }

    private static List<String> titles(List<TaskSection> tasks) {
        return tasks.stream().map(task -> task.spec().title()).toList();
    }

    /** The merges of {@code kind}. */
    public List<StudyMergeSection> merges(ExpertSection kind) {
        return kind.merges().isEmpty()
                ? merges
                : merges.stream()
                        .filter(merge -> kind.merges().contains(merge.title()))
                        .toList();
    }

    @Override
    public void check() {
        plan();
        scoring();
        requireDifferent("experts", experts.stream().map(ExpertSection::name).toList());
        var titles = merges.stream().map(StudyMergeSection::title).toList();
        requireDifferent("merges", titles);
        for (var kind : experts) {
            if (!kind.name().matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
                throw new InputException("experts has the name '" + kind.name()
                        + "', which a folder can't be called; use letters, digits, '.', '-' and '_'.");
            }
            for (var merge : kind.merges()) {
                if (!titles.contains(merge)) {
                    throw new InputException("The experts '" + kind.name() + "' are merged by '" + merge
                            + "', which is none of merges; did you mean '"
                            + Nearest.to(merge, titles, 1).stream().findFirst().orElse("") + "'?");
                }
            }
        }
    }

    private static void requireDifferent(String what, List<String> names) {
        var known = new HashSet<String>();
        for (var name : names) {
            if (!known.add(name)) {
                throw new InputException(what + " has two called '" + name + "'; give each a name of its own.");
            }
        }
    }
}
