package dev.espalier.cli;

import dev.espalier.cli.recipe.Recipes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints recipes. */
@Command(
        name = "recipe",
        description = "Prints a commented recipe to start from, or checks one and prints it with every default.",
        footer = {
            "",
            "Examples:",
            "  espalier recipe --template > my.yaml",
            "  espalier recipe --template sira > my.yaml",
            "  espalier recipe my.yaml --set adapter.rank=16"
        })
final class RecipeCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Source source;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description =
                    "Change a key of RECIPE.yaml, such as training.epochs=5 or tasks.0.limit=100. May be repeated.")
    private List<String> overrides = new ArrayList<>();

    private static final class Source {
        @Option(
                names = "--template",
                paramLabel = "METHOD",
                arity = "0..1",
                fallbackValue = "lora",
                completionCandidates = Methods.class,
                description =
                        "Print a complete recipe with every key explained, for the method ${COMPLETION-CANDIDATES}; without METHOD, lora.")
        private @Nullable String template;

        @Parameters(paramLabel = "RECIPE.yaml", description = "The recipe to check and to print as it resolves.")
        private @Nullable Path recipe;
    }

    static final class Methods implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Recipes.methods().iterator();
        }
    }

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        if (source.template != null) {
            out.print(Recipes.template(source.template));
        } else if (source.recipe != null) {
            out.print(Recipes.resolved(Recipes.read(source.recipe, overrides)));
        }
        out.flush();
    }
}
