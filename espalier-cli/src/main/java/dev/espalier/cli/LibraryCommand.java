package dev.espalier.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Keeps adapters together, to choose among them instead of merging them. */
@Command(
        name = "library",
        description = "Keeps LoRA adapters of one model in a folder and chooses among them for every token or input.",
        subcommands = {
            LibraryAddCommand.class,
            LibraryListCommand.class,
            LibraryRouteCommand.class,
            LibraryRemoveCommand.class
        },
        footer = {
            "",
            "A library is used as an adapter is: espalier evaluate, predict and",
            "generate take its folder, and --route says how its adapters are chosen.",
            "",
            "Examples:",
            "  espalier library add my-library runs/mails runs/tickets",
            "  espalier library route my-library --route retrieve \"the printer is on fire\"",
            "  espalier evaluate my-library --route arrow"
        })
final class LibraryCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
