package dev.espalier.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Shows what is in a library. */
@Command(name = "list", description = "Shows what is in a library.")
final class LibraryListCommand implements Runnable {
    @Mixin
    private final LibraryArgument library = new LibraryArgument();

    @Override
    public void run() {
        library.print(library.open());
    }
}
