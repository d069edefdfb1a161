package dev.espalier.cli;

import dev.espalier.cli.recipe.MergeSearchSection;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.cli.recipe.TaskSection;
import dev.espalier.data.Example;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskLoader;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import dev.espalier.merge.MergePlan;
import dev.espalier.merge.MergedWeights;
import dev.espalier.merge.Merger;
import dev.espalier.tensor.Scope;
import dev.espalier.train.AdaptedModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How well a merge does on the validation data of the adapters' tasks: the mean over tasks of each one's metric, by which
 * runs are judged too; of one that is better when lower, minus it.
 */
final class MergeScores implements AutoCloseable {
    private final MergeInputs inputs;
    private final List<Judged> judged = new ArrayList<>();

    /** A task with the model that has its head; the adapter there does not act. */
    private record Judged(AdaptedModel model, String task, Metric metric, List<Example> rows) {
        double score() {
            double value = model.evaluate(task, rows).value(metric);
            return metric.higherIsBetter() ? value : -value;
        }
    }

    /** @throws InputException if validation data of a task is not known or there is none */
    MergeScores(MergeInputs inputs, MergeSearchSection search) {
        this.inputs = inputs;
        Map<String, TaskSection> given = new LinkedHashMap<>();
        search.tasks().forEach(task -> given.put(task.spec().title(), task));
        try {
            for (var folder : inputs.folders()) {
                add(folder, given, search.limit());
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void add(Path folder, Map<String, TaskSection> given, int limit) {
        var model = AdaptedModel.open(folder);
        model.adapter().disable();
        var known = given.isEmpty() ? ofRun(folder) : given;
        for (var task : model.tasks()) {
            var section = Optional.ofNullable(known.get(task.name()))
                    .orElseThrow(
                            () -> new InputException(
                                    "The validation data of task '" + task.name() + "' of " + folder
                                            + " is not known: give the folder of its run, or name the data under search.tasks."));
            var rows = validation(TaskLoader.load(section.spec(), Path.of("")), limit);
            judged.add(new Judged(model, task.name(), Metric.defaultFor(task.kind()), rows));
        }
    }

    /** The tasks of the run that the adapter is of, by name. */
    private static Map<String, TaskSection> ofRun(Path adapter) {
        var recipe = adapter.toAbsolutePath().normalize().resolveSibling("recipe.yaml");
        Map<String, TaskSection> tasks = new LinkedHashMap<>();
        if (Files.exists(recipe)) {
            Recipes.read(recipe, List.of())
                    .tasks()
                    .forEach(task -> tasks.put(task.spec().title(), task));
        }
        return tasks;
    }

    private static List<Example> validation(TaskData task, int limit) {
        var rows = task.validation();
        if (rows.isEmpty()) {
            throw new InputException("Task '" + task.name()
                    + "' has no validation rows to search on; give it a validation split or a validation-fraction.");
        }
        return limit == 0 || rows.size() <= limit ? rows : rows.subList(0, limit);
    }

    /** The score of a merge by {@code plan}; higher is better. */
    double score(MergePlan plan) {
        try (var scope = Scope.open();
                var merger = new Merger(inputs.adapters(), plan);
                var weights = new MergedWeights(merger, inputs.model())) {
            double sum = 0;
            for (var task : judged) {
                weights.attach(task.model.model());
                sum += task.score();
                weights.detach(task.model.model());
            }
            return sum / judged.size();
        }
    }

    @Override
    public void close() {
        judged.stream().map(Judged::model).distinct().forEach(AdaptedModel::close);
    }
}
