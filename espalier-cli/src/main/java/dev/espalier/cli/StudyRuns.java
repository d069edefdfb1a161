package dev.espalier.cli;

import dev.espalier.cli.recipe.ExpertSection;
import dev.espalier.cli.recipe.HeadName;
import dev.espalier.cli.recipe.Recipe;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.cli.recipe.StudyMergeSection;
import dev.espalier.cli.recipe.StudyRecipe;
import dev.espalier.cli.recipe.TaskSection;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.data.TaskLoader;
import dev.espalier.data.wordnet.BuiltinTasks;
import dev.espalier.study.StudyExperts;
import dev.espalier.train.RunFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The runs of a study: an expert of every kind for each held-in task, and those that train on all of them. */
final class StudyRuns {
    private final StudyRecipe study;
    private final boolean decoder;
    private final Path output;
    private final List<TaskSection> sections;
    private final List<TaskData> tasks;
    private final Map<SavedRun, List<TaskData>> runs = new LinkedHashMap<>();
    private final List<StudyExperts> experts = new ArrayList<>();

    /**
     * Reads all tasks.
     *
     * @param decoder whether the model writes texts
     * @param output of the study
     */
    StudyRuns(StudyRecipe study, boolean decoder, Path output) {
        this.study = study;
        this.decoder = decoder;
        this.output = output;
        sections = study.tasks().stream().map(this::asked).toList();
        tasks = sections.stream()
                .map(task -> TaskLoader.load(task.spec(), Path.of("")))
                .toList();
        study.experts().forEach(this::plan);
    }

    /** Built-in tasks are asked as the model answers: an encoder chooses, a decoder writes. */
    private TaskSection asked(TaskSection task) {
        if (task.builtin() == null || task.kind() != null) {
            return task;
        }
        return task.withKind(
                decoder
                        ? TaskKind.CAUSAL_LM
                        : switch (BuiltinTasks.find(task.builtin()).kind()) {
                            case CLASSIFICATION -> TaskKind.SINGLE_LABEL;
                            case CHOICE -> TaskKind.CHOICE;
                            case GENERATION -> TaskKind.CAUSAL_LM;
                        });
    }

    private void plan(ExpertSection kind) {
        int heldIn = study.heldIn().size();
        Map<String, Path> folders = new LinkedHashMap<>();
        for (int place = 0; place < heldIn; place++) {
            var task = tasks.get(place);
            var run = run(kind, task.name(), kind.name() + ", " + task.name(), sections.subList(place, place + 1));
            runs.put(run, List.of(task));
            folders.put(task.name(), run.folder().adapter());
        }
        Optional<Path> multitask = Optional.empty();
        if (kind.multitask()) {
            var run = run(kind, "all tasks", kind.name() + ", all tasks", sections.subList(0, heldIn));
            runs.put(run, tasks.subList(0, heldIn));
            multitask = Optional.of(run.folder().adapter());
        }
        experts.add(new StudyExperts(
                kind.name(),
                folders,
                multitask,
                study.merges(kind).stream().map(StudyMergeSection::merge).toList()));
    }

    private SavedRun run(ExpertSection kind, String name, String title, List<TaskSection> of) {
        var folder =
                new RunFolder(output.resolve("experts").resolve(kind.name()).resolve(name.replace(' ', '-')));
        var recipe = Recipes.changed(recipe(kind, of), kind.set(), "the experts '" + kind.name() + "'");
        return new SavedRun(title, of.size() > 1 ? kind.name() + ", all" : kind.name(), recipe, folder);
    }

    private Recipe recipe(ExpertSection kind, List<TaskSection> of) {
        return new Recipe(
                study.model(),
                study.dtype(),
                kind.adapter(),
                null,
                study.pooling(),
                decoder ? HeadName.CLASSIFIER : HeadName.LABEL_EMBEDDINGS,
                study.labelEmbeddings(),
                of,
                study.training(),
                null);
    }

    /** Every run, kind by kind. */
    List<SavedRun> all() {
        return List.copyOf(runs.keySet());
    }

    /** The examples that a run trains on. */
    List<TaskData> tasks(SavedRun run) {
        return Stream.ofNullable(runs.get(run)).flatMap(List::stream).toList();
    }

    /** The examples of all tasks. */
    List<TaskData> tasks() {
        return tasks;
    }

    /** The trained adapters, once the runs are finished. */
    List<StudyExperts> experts() {
        return experts;
    }
}
