package dev.espalier.cli;

import dev.espalier.checkpoint.ModelLocator;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what a model, an adapter or a run is. */
@Command(
        name = "inspect",
        description = "Shows a model or an adapter: its configuration, what can be adapted or is trained, its tensors.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "Examples:",
            "  espalier inspect all-minilm-l6-v2",
            "  espalier inspect path/to/model",
            "  espalier inspect runs/my-run/adapter"
        })
final class InspectCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(paramLabel = "WHAT", description = "An adapter folder, or a model: its name or its folder.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private String what;

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        var adapter = folder().filter(path -> Files.exists(path.resolve("adapter_config.json")));
        if (adapter.isPresent()) {
            Inspection.adapter(adapter.get(), out);
        } else {
            Inspection.model(ModelLocator.locate(what), out);
        }
        out.flush();
    }

    private Optional<Path> folder() {
        try {
            return Optional.of(Path.of(what)).filter(Files::isDirectory);
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
