package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.route.AdapterLibrary.Addition;
import dev.espalier.route.SentenceEncoder;
import dev.espalier.tensor.Engine;
import dev.espalier.train.AdaptedModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Adds adapters to a library. */
@Command(
        name = "add",
        description = "Copies adapters into a library, which is made if it is not there.",
        footer = {
            "",
            "To be found by retrieval an adapter needs samples of its texts: of a run they",
            "are training rows of its tasks, of an adapter's folder those of the built-in",
            "task that it names, or --samples gives them. Targets are not read.",
            "",
            "Examples:",
            "  espalier library add my-library runs/mails runs/tickets",
            "  espalier library add my-library path/to/peft-adapter --name tickets --samples tickets.txt",
            "  espalier library add my-library runs/mails-2 --name mails --replace"
        })
final class LibraryAddCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Mixin
    private final LibraryArgument library = new LibraryArgument();

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "ADAPTER", description = "Folders of runs or adapters.")
    private List<Path> adapters = new ArrayList<>();

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What the adapter is called in the library; its run's or folder's name unless given.")
    private @Nullable String name;

    @Option(
            names = "--samples",
            paramLabel = "FILE",
            description =
                    "Texts that the adapter is for: a text a line, JSON Lines, or a table of training data (.csv, .tsv, .parquet).")
    private @Nullable Path samples;

    @Option(
            names = "--sample-count",
            paramLabel = "N",
            description = "How many of the texts are embedded, spread evenly over them; ${DEFAULT-VALUE} unless given.",
            defaultValue = "64")
    private int count;

    @Option(names = "--no-samples", description = "Add adapters without samples: --route arrow needs none.")
    private boolean none;

    @Option(
            names = "--encoder",
            paramLabel = "MODEL",
            description =
                    "What embeds samples and inputs; the library's, or " + SentenceEncoder.DEFAULT + ", unless given.")
    private @Nullable String encoder;

    @Option(names = "--replace", description = "Let an adapter take the place of one that has its name.")
    private boolean replace;

    @Override
    public void run() {
        if (adapters.size() > 1 && (name != null || samples != null)) {
            throw new InputException("--name and --samples are of one adapter, and there are " + adapters.size()
                    + "; add them one by one.");
        }
        if (none && samples != null) {
            throw new InputException("There are --samples " + samples + " and --no-samples; give one of them.");
        }
        if (count < 1) {
            throw new InputException("--sample-count is " + count + "; it must be at least 1, or give --no-samples.");
        }
        Engine.load();
        var target = library.openOrCreate();
        var additions = adapters.stream().map(this::addition).toList();
        target.add(additions, encoder != null ? encoder : target.encoder().orElse(SentenceEncoder.DEFAULT), replace);
        additions.stream().filter(each -> each.samples().isEmpty() && !none).forEach(each -> spec.commandLine()
                .getErr()
                .println("Adapter '" + each.name()
                        + "' has no samples, so that retrieval cannot find it; --samples FILE gives it some."));
        library.print(target);
    }

    private Addition addition(Path given) {
        var folder = AdaptedModel.adapterFolder(given);
        var run = Optional.ofNullable(folder.toAbsolutePath().normalize().getParent())
                .filter(parent -> folder.endsWith("adapter"));
        var recipe = Stream.concat(run.stream(), Stream.of(folder)) // an adapter in another library has it along
                .map(path -> path.resolve("recipe.yaml"))
                .filter(Files::exists)
                .findFirst();
        var named = run.orElse(folder.toAbsolutePath().normalize()).getFileName();
        var texts = none ? List.<String>of() : LibrarySamples.of(folder, recipe, Optional.ofNullable(samples), count);
        return new Addition(name != null ? name : String.valueOf(named), folder, texts, recipe);
    }
}
