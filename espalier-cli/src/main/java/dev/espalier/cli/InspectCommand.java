package dev.espalier.cli;

import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.route.AdapterLibrary;
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
        description =
                "Shows a model, an adapter or a run: configuration, what can be adapted, what is trained, tensors.",
        footer = {
            "",
            "Examples:",
            "  espalier inspect all-minilm-l6-v2",
            "  espalier inspect path/to/model",
            "  espalier inspect runs/my-run",
            "  espalier inspect runs/my-run/adapter"
        })
final class InspectCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(
            paramLabel = "WHAT",
            description = "The folder of a run, of an adapter, of a library or of a model, or a model's name.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private String what;

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        var folder = folder();
        if (holds(folder, "adapter_config.json")) {
            Inspection.adapter(folder.orElseThrow(), out);
        } else if (folder.filter(AdapterLibrary::isIn).isPresent()) {
            out.println("Library " + what);
            out.println();
            out.print(LibraryTable.of(AdapterLibrary.open(folder.orElseThrow())));
        } else if (holds(folder, "metrics.jsonl")) {
            Inspection.run(folder.orElseThrow(), out);
        } else {
            Inspection.model(ModelLocator.locate(what), out);
        }
        out.flush();
    }

    private static boolean holds(Optional<Path> folder, String file) {
        return folder.filter(path -> Files.exists(path.resolve(file))).isPresent();
    }

    private Optional<Path> folder() {
        try {
            return Optional.of(Path.of(what)).filter(Files::isDirectory);
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
