package dev.espalier.cli;

import dev.espalier.route.AdapterLibrary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes adapters out of a library. */
@Command(
        name = "remove",
        description = "Takes adapters out of a library and deletes their copies in it.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n")
final class LibraryRemoveCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "LIBRARY", description = "The library's folder.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path library;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "NAME",
            description = "What the adapters are called in it.")
    private List<String> names = new ArrayList<>();

    @Override
    public void run() {
        var opened = AdapterLibrary.open(library);
        opened.remove(names);
        var out = spec.commandLine().getOut();
        out.print(LibraryTable.of(opened));
        out.flush();
    }
}
