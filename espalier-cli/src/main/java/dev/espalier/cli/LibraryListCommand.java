package dev.espalier.cli;

import dev.espalier.route.AdapterLibrary;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what is in a library. */
@Command(
        name = "list",
        description = "Shows what is in a library.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n")
final class LibraryListCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "LIBRARY", description = "The library's folder.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path library;

    @Override
    public void run() {
        var out = spec.commandLine().getOut();
        out.print(LibraryTable.of(AdapterLibrary.open(library)));
        out.flush();
    }
}
