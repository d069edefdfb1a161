package dev.espalier.cli;

import dev.espalier.cli.recipe.Recipes;
import dev.espalier.cli.recipe.TaskSection;
import dev.espalier.data.TaskData;
import dev.espalier.report.Report;
import dev.espalier.report.RunHistory;
import dev.espalier.report.RunTable;
import dev.espalier.train.RunFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains what a recipe describes, or several. */
@Command(
        name = "train",
        description = {
            "Trains an adapter as a recipe says, and tests the best checkpoint.",
            "Several recipes, or seeds, are trained side by side on one copy of the model in memory."
        },
        footer = {
            "",
            "Ctrl-C saves the state and stops; --resume goes on from there.",
            "",
            "Examples:",
            "  espalier recipe --template sira > my.yaml",
            "  espalier train my.yaml",
            "  espalier train my.yaml --set training.epochs=5 --output runs/longer",
            "  espalier train runs/longer/recipe.yaml --resume",
            "  espalier train lora.yaml sira.yaml --seeds 0,1 --output runs/four"
        })
final class TrainCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private CommandSpec spec;

    @Parameters(
            paramLabel = "RECIPE.yaml",
            arity = "1..*",
            description =
                    "The recipe; espalier recipe --template prints one. Each of several is called by its file's name.")
    private List<Path> recipes = new ArrayList<>();

    @ArgGroup(exclusive = false, heading = "%nRecipe:%n")
    private final RecipeOptions recipeOptions = new RecipeOptions();

    @ArgGroup(exclusive = false, heading = "%nRun:%n")
    private final RunOptions runOptions = new RunOptions();

    @Mixin
    private final SideBySide sideBySide = new SideBySide();

    private static final class RecipeOptions {
        @Option(
                names = "--set",
                paramLabel = "KEY=VALUE",
                description = "Change a key, such as training.epochs=5 or tasks.0.limit=100. May be repeated.")
        private List<String> overrides = new ArrayList<>();
    }

    private static final class RunOptions {
        @Option(
                names = {"-o", "--output"},
                paramLabel = "FOLDER",
                description = "Its folder; by default the recipe's output, else runs/NAME-OF-THE-RECIPE.")
        private @Nullable Path output;

        @Option(
                names = "--profile",
                description = "Measure what steps spend their time and memory on, and print it in the end.")
        private boolean profile;

        @Option(names = "--resume", description = "Go on with the run that was stopped in that folder.")
        private boolean resume;

        @Option(
                names = "--seeds",
                paramLabel = "SEED",
                split = ",",
                description = "Train each recipe once with each seed, into a folder of its own in the output folder.")
        private @Nullable List<Long> seeds;
    }

    @Override
    public Integer call() {
        return recipes.size() == 1 && runOptions.seeds == null ? one() : several();
    }

    private int one() {
        var out = spec.commandLine().getOut();
        var read = Recipes.read(recipes.get(0), overrides());
        var folder = folder(read.output());
        var result = new RecipeRun(read, folder)
                .run(
                        RecipeRun.tasks(read),
                        runOptions.resume,
                        spec.commandLine().getErr());
        if (result.stopped()) {
            out.println("Stopped after step " + result.step() + " of " + result.steps() + ". Go on with:");
            out.println("  " + Shell.program() + " train "
                    + Shell.quote(result.folder().recipe()) + " --resume");
            out.flush();
            return Interrupts.EXIT_CODE;
        }
        out.println();
        out.println(RunTable.of(List.of(RunHistory.read(folder))));
        result.profile().ifPresent(profile -> out.println(profile.table()));
        out.println("Adapter  " + result.folder().adapter());
        out.println("Report   " + result.folder().report());
        out.flush();
        return 0;
    }

    /** What is stopped goes on and what is finished stays, so the same command resumes. */
    private int several() {
        var folder = runOptions.output == null ? Path.of("runs") : runOptions.output;
        var runs = new ArrayList<SavedRun>();
        for (var recipe : ComparedRecipe.named(recipes, overrides())) {
            runs.addAll(runs(recipe, folder));
        }
        var tasks = new ConcurrentHashMap<List<TaskSection>, List<TaskData>>();
        if (!new SavedRuns(runs, sideBySide.runsOr(0), spec.commandLine().getErr())
                .finish(run -> tasks.computeIfAbsent(run.recipe().tasks(), same -> RecipeRun.tasks(run.recipe())))) {
            return Interrupts.EXIT_CODE;
        }
        var histories =
                runs.stream().map(run -> RunHistory.read(run.folder().path())).toList();
        var report = folder.resolve(Report.FILE);
        Report.write(report, runs.size() + " runs", histories);
        var out = spec.commandLine().getOut();
        out.println();
        out.println(RunTable.of(histories));
        out.println("Report  " + report);
        out.flush();
        return 0;
    }

    private List<SavedRun> runs(ComparedRecipe recipe, Path folder) {
        if (runOptions.seeds == null) {
            var own = new RunFolder(folder.resolve(recipe.name()));
            return List.of(new SavedRun(recipe.name(), recipe.name(), recipe.recipe(), own));
        }
        return Seeds.checked(runOptions.seeds).stream()
                .map(seed -> ComparedRun.saved(recipe.withSeed(seed), seed, folder))
                .toList();
    }

    private List<String> overrides() {
        return runOptions.profile
                ? Stream.concat(recipeOptions.overrides.stream(), Stream.of("training.profile=true"))
                        .toList()
                : recipeOptions.overrides;
    }

    private Path folder(@Nullable String ofRecipe) {
        if (runOptions.output != null) {
            return runOptions.output;
        }
        return ofRecipe == null
                ? Path.of("runs", recipes.get(0).getFileName().toString().replaceFirst("\\.ya?ml$", ""))
                : Path.of(ofRecipe);
    }
}
