package dev.espalier.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Takes adapters out of a library. */
@Command(name = "remove", description = "Takes adapters out of a library and deletes their copies in it.")
final class LibraryRemoveCommand implements Runnable {
    @Mixin
    private final LibraryArgument library = new LibraryArgument();

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "NAME",
            description = "What the adapters are called in it.")
    private List<String> names = new ArrayList<>();

    @Override
    public void run() {
        var opened = library.open();
        opened.remove(names);
        library.print(opened);
    }
}
