package dev.espalier.cli;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.data.TaskData;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.report.Comparison;
import dev.espalier.report.ComparisonFiles;
import dev.espalier.report.ComparisonReport;
import dev.espalier.report.ComparisonTable;
import dev.espalier.report.Contender;
import dev.espalier.report.Report;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains several recipes with several seeds on the same tasks and says which does better. */
@Command(
        name = "compare",
        description = "Trains several recipes with several seeds on the same tasks, and compares them.",
        footer = {
            "",
            "Ctrl-C saves the state and stops; the same command goes on from there. Runs that are finished are not repeated.",
            "",
            "Examples:",
            "  espalier compare examples/lora.yaml examples/sira.yaml --output runs/compare",
            "  espalier compare examples/lora.yaml examples/sira.yaml --trained-weights 700000 --output runs/equal",
            "  espalier compare a.yaml b.yaml --seeds 0,1,2,3,4 --baseline a --set training.epochs=1"
        })
final class CompareCommand implements Callable<Integer> {
    private static final String LORA = "lora";

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private CommandSpec spec;

    @Parameters(
            paramLabel = "RECIPE.yaml",
            arity = "1..*",
            description = "The recipes, of the same model and tasks. Each is called by its file's name.")
    private List<Path> recipes = new ArrayList<>();

    @ArgGroup(exclusive = false, heading = "%nComparison:%n")
    private final ComparisonOptions comparison = new ComparisonOptions();

    @Mixin
    private final SideBySide sideBySide = new SideBySide();

    @ArgGroup(exclusive = false, heading = "%nBudget:%n")
    private final BudgetOptions budget = new BudgetOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            description = "Where runs, tables and the report go; by default runs/compare.")
    private Path output = Path.of("runs", "compare");

    private static final class ComparisonOptions {
        @Option(
                names = "--seeds",
                paramLabel = "SEED",
                split = ",",
                description = "Each recipe is trained once with each; by default 0,1,2.")
        private List<Long> seeds = List.of(0L, 1L, 2L);

        @Option(
                names = "--baseline",
                paramLabel = "NAME",
                description = "The recipe that others are compared with; by default the first whose method is lora.")
        private @Nullable String baseline;

        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "Change a key of every recipe, such as training.epochs=5. May be repeated.")
        private List<String> overrides = new ArrayList<>();
    }

    private static final class BudgetOptions {
        @Option(
                names = "--trained-weights",
                paramLabel = "NUMBER",
                description = "Give each recipe the largest rank whose adapter has at most so many trained weights.")
        private @Nullable Long trainedWeights;

        @Option(
                names = "--memory",
                paramLabel = "MB",
                description = "Mark runs that take more memory than so many megabytes.")
        private @Nullable Double memory;
    }

    @Override
    public Integer call() {
        var err = spec.commandLine().getErr();
        requireSensible();
        // On the main thread, before others use tensors.
        Engine.load();
        var read = ComparedRecipe.read(recipes, comparison.overrides);
        var baseline = baseline(read);
        var tasks = RecipeRun.tasks(read.get(0).recipe());
        var metrics = ComparedTasks.metrics(tasks, read);
        var fitted = read.stream().map(this::fit).toList();
        List<ComparedRun> runs = new ArrayList<>();
        for (var seed : comparison.seeds) {
            fitted.forEach(recipe -> runs.add(ComparedRun.of(recipe, seed, output)));
        }
        if (!new SavedRuns(runs.stream().map(ComparedRun::saved).toList(), sideBySide.runsOr(1), err)
                .finish(run -> tasks)) {
            return Interrupts.EXIT_CODE;
        }
        Map<ComparedRun, Contender.Run> results = new LinkedHashMap<>();
        runs.forEach(run -> results.put(run, run.result()));
        var contenders = fitted.stream()
                .map(recipe -> new Contender(recipe.name(), recipe.rank(), resultsOf(recipe, results)))
                .toList();
        var compared = new Comparison(
                metrics,
                contenders,
                contenders.get(read.indexOf(baseline)),
                budget.memory == null ? OptionalDouble.empty() : OptionalDouble.of(budget.memory));
        write(compared, results, tasks);
        show(compared);
        return 0;
    }

    private void requireSensible() {
        Seeds.checked(comparison.seeds);
        if (budget.trainedWeights != null && budget.trainedWeights < 1) {
            throw new InputException("--trained-weights is " + budget.trainedWeights + "; it must be at least 1.");
        }
        if (budget.memory != null && !(budget.memory > 0)) {
            throw new InputException("--memory is " + budget.memory + "; it must be above 0.");
        }
    }

    private ComparedRecipe baseline(List<ComparedRecipe> read) {
        var names = read.stream().map(ComparedRecipe::name).toList();
        var wanted = comparison.baseline;
        if (wanted != null) {
            if (!names.contains(wanted)) {
                throw new InputException("--baseline " + wanted + " is none of the recipes; did you mean '"
                        + Nearest.to(wanted, names, 1).get(0) + "'?");
            }
            return read.get(names.indexOf(wanted));
        }
        return read.stream()
                .filter(recipe -> read.size() == 1 || recipe.method().equals(LORA))
                .findFirst()
                .orElseThrow(() -> new InputException("No recipe's method is lora; say by --baseline which of "
                        + String.join(", ", names) + " the others are compared with."));
    }

    private ComparedRecipe fit(ComparedRecipe recipe) {
        var allowed = budget.trainedWeights;
        if (allowed == null) {
            return recipe;
        }
        var shared = AllocationFit.fit(recipe, allowed);
        var fitted = shared.orElseGet(() -> RankFit.fit(recipe, allowed));
        var err = spec.commandLine().getErr();
        err.println(recipe.name() + ": "
                + (shared.isPresent()
                        ? "its allocation shares out " + TensorTable.count(allowed) + " trained weights."
                        : fitted(recipe, fitted, allowed)));
        err.flush();
        return fitted;
    }

    private static String fitted(ComparedRecipe recipe, ComparedRecipe fitted, long allowed) {
        return sizes(fitted) + " fits " + TensorTable.count(allowed) + " trained weights; the recipe has "
                + sizes(recipe) + ".";
    }

    private static String sizes(ComparedRecipe recipe) {
        var rank = "rank " + recipe.rank().orElseThrow();
        return recipe.alpha().isEmpty()
                ? rank
                : rank + " and alpha "
                        + new DecimalFormat("0.###", DecimalFormatSymbols.getInstance(Locale.ROOT))
                                .format(recipe.alpha().getAsDouble());
    }

    private static List<Contender.Run> resultsOf(ComparedRecipe recipe, Map<ComparedRun, Contender.Run> results) {
        return results.entrySet().stream()
                .filter(result -> result.getKey().recipe().name().equals(recipe.name()))
                .map(Map.Entry::getValue)
                .toList();
    }

    private void write(Comparison compared, Map<ComparedRun, Contender.Run> results, List<TaskData> tasks) {
        var model = recipesModel(results);
        long baseWeights = weights(model);
        results.forEach((run, result) -> AtomicFiles.writeString(
                output.resolve("results").resolve(run.name() + ".json"),
                new PeftResult(run, result, compared, baseWeights).json()));
        ComparisonFiles.write(output, compared);
        ComparisonReport.write(
                output.resolve(Report.FILE),
                tasks.stream().map(TaskData::name).collect(Collectors.joining(", ")) + " on " + model,
                compared);
    }

    private static String recipesModel(Map<ComparedRun, Contender.Run> results) {
        return results.keySet().iterator().next().recipe().recipe().model();
    }

    private static long weights(String model) {
        try (var opened = AutoModel.open(ModelLocator.locate(model), ScalarType.Float)) {
            return opened.parameters().values().stream()
                    .mapToLong(Parameter::size)
                    .sum();
        }
    }

    private void show(Comparison compared) {
        var out = spec.commandLine().getOut();
        out.println();
        out.println(ComparisonTable.of(compared));
        out.println(compared.note());
        out.println("Report   " + output.resolve(Report.FILE));
        out.println("Tables   " + output.resolve(ComparisonFiles.CSV) + ", " + output.resolve(ComparisonFiles.JSON));
        out.println("Plot     " + output.resolve(ComparisonFiles.SVG));
        out.println("Results  " + output.resolve("results"));
        out.flush();
    }
}
