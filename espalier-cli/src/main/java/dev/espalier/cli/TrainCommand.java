package dev.espalier.cli;

import dev.espalier.cli.recipe.Recipes;
import dev.espalier.report.RunHistory;
import dev.espalier.report.RunTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains what a recipe describes. */
@Command(
        name = "train",
        description = "Trains an adapter as a recipe says, and tests the best checkpoint.",
        footer = {
            "",
            "Ctrl-C saves the state and stops; --resume goes on from there.",
            "",
            "Examples:",
            "  espalier recipe --template sira > my.yaml",
            "  espalier train my.yaml",
            "  espalier train my.yaml --set training.epochs=5 --output runs/longer",
            "  espalier train runs/longer/recipe.yaml --resume"
        })
final class TrainCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private CommandSpec spec;

    @Parameters(paramLabel = "RECIPE.yaml", description = "The recipe; espalier recipe --template prints one.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before call
    private Path recipe;

    @ArgGroup(exclusive = false, heading = "%nRecipe:%n")
    private final RecipeOptions recipeOptions = new RecipeOptions();

    @ArgGroup(exclusive = false, heading = "%nRun:%n")
    private final RunOptions runOptions = new RunOptions();

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
    }

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        var read = Recipes.read(recipe, overrides());
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
                ? Path.of("runs", recipe.getFileName().toString().replaceFirst("\\.ya?ml$", ""))
                : Path.of(ofRecipe);
    }
}
