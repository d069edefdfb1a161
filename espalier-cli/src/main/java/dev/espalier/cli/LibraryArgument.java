package dev.espalier.cli;

import dev.espalier.route.AdapterLibrary;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The library that a command is about. */
final class LibraryArgument {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec command;

    @Parameters(index = "0", paramLabel = "LIBRARY", description = "The library's folder.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path folder;

    AdapterLibrary open() {
        return AdapterLibrary.open(folder);
    }

    AdapterLibrary openOrCreate() {
        return AdapterLibrary.openOrCreate(folder);
    }

    /** Prints what is in it. */
    void print(AdapterLibrary library) {
        var out = command.commandLine().getOut();
        out.print(LibraryTable.of(library));
        out.flush();
    }
}
