package dev.espalier.cli;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.cli.recipe.Recipe;
import dev.espalier.cli.recipe.Recipes;
import dev.espalier.data.Example;
import dev.espalier.data.Split;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskLoader;
import dev.espalier.data.TaskSpec;
import dev.espalier.error.InputException;
import dev.espalier.evaluate.Metric;
import dev.espalier.json.Json;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.route.AdapterLibrary;
import dev.espalier.tensor.Engine;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.Evaluation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Scores a trained adapter on data with labels. */
@Command(
        name = "evaluate",
        description = "Scores a trained adapter on data with labels: the test splits of its run, or a file.",
        footer = {
            "",
            "Examples:",
            "  espalier evaluate runs/my-run",
            "  espalier evaluate runs/my-run --split validation",
            "  espalier evaluate my-library --route retrieve --route-top-k 1",
            "  espalier evaluate runs/my-run/adapter --data new-mails.csv --json scores.json"
        })
final class EvaluateCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(
            paramLabel = "RUN",
            description = "The folder of a run or of a library, or with --data or --builtin of an adapter.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path folder;

    @ArgGroup(exclusive = false, heading = "%nData:%n")
    private final DataOptions data = new DataOptions();

    @ArgGroup(exclusive = false, heading = "%nModel:%n")
    private final ModelOptions model = new ModelOptions();

    @ArgGroup(exclusive = false, heading = "%nLibrary:%n")
    private final RoutingArguments routing = new RoutingArguments();

    @Option(
            names = "--max-new-tokens",
            paramLabel = "N",
            description =
                    "Where a task asks for texts: write answers of so many tokens at most and compare them (exact match, ROUGE-L). Default: as the run's recipe says; 0 for none.")
    private @Nullable Integer maxNewTokens;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the scores to this file, too.")
    private @Nullable Path json;

    private static final class DataOptions {
        @Option(
                names = "--data",
                paramLabel = "FILE",
                description =
                        "Score on this file (.jsonl, .csv, .tsv, .parquet); without a column split, on all of it.")
        private @Nullable String file;

        @Option(names = "--builtin", paramLabel = "TASK", description = "Score on this built-in task.")
        private @Nullable String builtin;

        @Option(
                names = "--split",
                paramLabel = "SPLIT",
                description = "Which rows: test (the default), validation or train.")
        private Split split = Split.TEST;
    }

    @Override
    public void run() {
        if (data.file != null && data.builtin != null) {
            throw new InputException("There are --data and --builtin; give one of them.");
        }
        Engine.load();
        List<Evaluation> evaluations = new ArrayList<>();
        try (var adapted = model.open(folder, routing)) {
            if (data.file == null && data.builtin == null) {
                evaluations.addAll(AdapterLibrary.isIn(folder) ? ofLibrary(adapted) : ofRun(adapted));
            } else {
                evaluations.add(onOtherData(adapted));
            }
        }
        if (json != null) {
            AtomicFiles.writeString(
                    json,
                    Json.pretty(
                            evaluations.stream().map(EvaluateCommand::object).toList()));
        }
        var out = spec.commandLine().getOut();
        out.print(table(evaluations));
        out.flush();
    }

    private List<Evaluation> ofRun(AdaptedModel adapted) {
        var recipe = recipe();
        int tokens = maxNewTokens == null ? recipe.training().generateTokens() : maxNewTokens;
        return RecipeRun.tasks(recipe).stream()
                .map(task -> adapted.evaluate(task.name(), rows(task), tokens))
                .toList();
    }

    /** The tasks of those adapters whose runs are known. */
    private List<Evaluation> ofLibrary(AdaptedModel adapted) {
        var library = AdapterLibrary.open(folder);
        List<Evaluation> evaluations = new ArrayList<>();
        var tasks = adapted.tasks().iterator(); // those of the first adapter, then of the second, and so on
        for (var entry : library.entries()) {
            var mine = entry.tasks().stream().map(name -> tasks.next().name()).toList();
            library.recipe(entry.name())
                    .map(file -> Recipes.read(file, List.of()))
                    .ifPresent(recipe -> {
                        int tokens = maxNewTokens == null ? recipe.training().generateTokens() : maxNewTokens;
                        var loaded = RecipeRun.tasks(recipe);
                        for (int i = 0; i < loaded.size(); i++) {
                            evaluations.add(adapted.evaluate(mine.get(i), rows(loaded.get(i)), tokens));
                        }
                    });
        }
        if (evaluations.isEmpty()) {
            throw new InputException("No adapter in " + folder
                    + " came from a run, so its tasks are not known; say by --data or --builtin what to score on.");
        }
        return evaluations;
    }

    private Recipe recipe() {
        var recipe = folder.resolve("recipe.yaml");
        if (!Files.exists(recipe)) {
            throw new InputException(
                    folder + " is no run folder (it has no recipe.yaml); say by --data or --builtin what to score on.");
        }
        return Recipes.read(recipe, List.of());
    }

    private Evaluation onOtherData(AdaptedModel adapted) {
        var task = model.task(adapted, Optional.ofNullable(data.builtin));
        var source = data.file != null
                ? TaskSpec.file(task.name(), data.file)
                : TaskSpec.builtin(String.valueOf(data.builtin));
        var loaded = TaskLoader.load(source.withKind(task.kind()), Path.of(""));
        return adapted.evaluate(task.name(), rows(loaded), maxNewTokens == null ? 0 : maxNewTokens);
    }

    private List<Example> rows(TaskData task) {
        boolean unsplit =
                data.file != null && task.validation().isEmpty() && task.test().isEmpty();
        var rows = unsplit
                ? task.train()
                : switch (data.split) {
                    case TRAIN -> task.train();
                    case VALIDATION -> task.validation();
                    case TEST -> task.test();
                };
        if (rows.isEmpty()) {
            throw new InputException("Task '" + task.name() + "' has no rows in the split "
                    + data.split.name().toLowerCase(Locale.ROOT) + "; choose another --split.");
        }
        return rows;
    }

    private static TextTable table(List<Evaluation> evaluations) {
        var table = new TextTable(List.of(
                Column.text("task"),
                Column.number("examples"),
                Column.text("metric"),
                Column.number("value"),
                Column.text("95 % interval")));
        for (var evaluation : evaluations) {
            evaluation
                    .metrics()
                    .forEach((metric, value) -> table.row(
                            evaluation.task(),
                            String.format(Locale.ROOT, "%,d", evaluation.examples()),
                            Metric.label(metric),
                            String.format(Locale.ROOT, "%.4f", value),
                            interval(evaluation, metric)));
        }
        return table;
    }

    private static String interval(Evaluation evaluation, String metric) {
        return Optional.ofNullable(evaluation.intervals().get(metric))
                .map(interval -> String.format(Locale.ROOT, "%.4f to %.4f", interval.low(), interval.high()))
                .orElse("");
    }

    private static Map<String, Object> object(Evaluation evaluation) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("task", evaluation.task());
        object.put("examples", evaluation.examples());
        object.putAll(evaluation.metrics());
        evaluation.confusion().ifPresent(matrix -> {
            object.put("labels", matrix.labels());
            object.put("confusion", matrix.counts());
        });
        return object;
    }
}
