package dev.espalier.cli;

import dev.espalier.cli.recipe.MergeRecipe;
import dev.espalier.cli.recipe.MergeRecipes;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Merges trained adapters. */
@Command(
        name = "merge",
        description = "Merges trained adapters of one base model, of any kinds, into one adapter or model.",
        footer = {
            "",
            "Formats:",
            "  lora    a LoRA adapter of --rank, cut by a singular value decomposition; its error is printed",
            "  concat  a LoRA adapter with the factors of all, exact; for methods that only sum",
            "  sparse  the places and values of all that is not 0, exact",
            "  full    fp32 copies of the changed modules, exact",
            "  dense   a Hugging Face model folder with the change in its weights, tokenizer along",
            "  masks   one unified change with a mask and a factor for each adapter (EMR-Merging)",
            "",
            "Heads are kept as they are, each under its task's name.",
            "",
            "Examples:",
            "  espalier merge runs/a runs/b --output merged",
            "  espalier merge --method ties --density 0.2 --base path/to/base a b c --output merged",
            "  espalier merge --method task-arithmetic --weights 0.5,0.3,0.2 a b c --format dense --output model",
            "  espalier merge runs/a runs/b --method ties --search lambda,density --output merged",
            "  espalier merge my-merge.yaml"
        })
final class MergeCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(
            paramLabel = "RECIPE.yaml|ADAPTER",
            arity = "1..*",
            description = "A recipe of the merge, or the folders of runs or adapters.")
    private List<Path> paths = new ArrayList<>();

    @ArgGroup(exclusive = false, heading = "%nIn place of a recipe:%n")
    private final MergeOptions options = new MergeOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FOLDER",
            description = "The folder to make; nothing may be there yet.")
    private @Nullable Path output;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description =
                    "Change a key of RECIPE.yaml, such as method=average or adapters.0.weight=0.5. May be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Override
    @SuppressWarnings("try") // guard and scope work by being open
    public void run() {
        var recipe = recipe();
        var target = target(recipe);
        Engine.load();
        try (var guard = Engine.enter(Engine.threads());
                var scope = Scope.open();
                var inputs = new MergeInputs(recipe)) {
            new MergeRun(recipe, inputs, target, spec.commandLine().getOut()).run();
        }
    }

    private MergeRecipe recipe() {
        boolean isRecipe = paths.size() == 1 && paths.get(0).toString().matches(".*\\.ya?ml");
        if (!isRecipe) {
            if (!overrides.isEmpty()) {
                throw new InputException("--set changes keys of a recipe, but there is none; use the options.");
            }
            return options.recipe(paths);
        }
        if (!options.isEmpty()) {
            throw new InputException(
                    "There is a recipe and options beside it; change the recipe by --set, such as --set method=average.");
        }
        return MergeRecipes.read(paths.get(0), overrides);
    }

    private Path target(MergeRecipe recipe) {
        if (output == null && recipe.output() == null) {
            throw new InputException("Where the merge is to be written is not said; add --output FOLDER.");
        }
        var target = output == null ? Path.of(Objects.requireNonNull(recipe.output())) : output;
        if (Files.exists(target)) {
            throw new InputException(target + " exists already; choose another place, or remove it.");
        }
        return target;
    }
}
