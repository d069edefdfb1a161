package dev.espalier.cli;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line's entry. */
@Command(
        name = "espalier",
        description = "Adapts open language models to your tasks with small trained adapters.",
        versionProvider = Version.class,
        subcommands = {
            DemoCommand.class,
            RecipeCommand.class,
            TrainCommand.class,
            CompareCommand.class,
            StudyCommand.class,
            AllocateCommand.class,
            EvaluateCommand.class,
            PredictCommand.class,
            GenerateCommand.class,
            ChatCommand.class,
            MergeCommand.class,
            LibraryCommand.class,
            ExportCommand.class,
            InspectCommand.class,
            BenchCommand.class,
            CompletionCommand.class
        },
        footer = {
            "",
            "@|bold espalier COMMAND --help|@ shows a command's options and examples.",
            "Exit codes: 0 done, 1 a fault of Espalier's, 2 wrong input, 130 stopped by Ctrl-C."
        })
public final class Main implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            order = 100,
            description = "Show debug messages, and stack traces of errors.")
    void verbose(boolean verbose) {
        if (verbose) {
            Logging.verbose();
        }
    }

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            order = 101,
            description = "Show this help.")
    private boolean help;

    @Option(
            names = "--version",
            versionHelp = true,
            order = 102,
            description = "Show the versions of Espalier, of its engine and of Java.")
    private boolean version;

    private Main() {}

    /** Runs the command that {@code args} say, on the terminal, and ends the JVM with its exit code. */
    public static void main(String[] args) {
        Interrupts.endAtOnce();
        System.exit(execute(args, new PrintWriter(System.out, true), new PrintWriter(System.err, true)));
    }

    /**
     * Runs the command that {@code args} say.
     *
     * @return 0 if it was done, 2 if the user's input is wrong, 1 for a fault of ours
     */
    public static int execute(String[] args, PrintWriter out, PrintWriter err) {
        return commandLine().setOut(out).setErr(err).execute(args);
    }

    static CommandLine commandLine() {
        var commandLine = new CommandLine(new Main());
        var failures = new Failures();
        commandLine.setParameterExceptionHandler(failures);
        commandLine.setExecutionExceptionHandler(failures);
        OptionValues.register(commandLine);
        commandLine.setUsageHelpAutoWidth(true);
        arrangeHelp(commandLine);
        CommandGroups.arrange(commandLine);
        commandLine.getSubcommands().values().forEach(command -> command.getCommandSpec()
                .usageMessage()
                .abbreviateSynopsis(true));
        return commandLine;
    }

    /** Options stand in the order in which the code has them. */
    private static void arrangeHelp(CommandLine commandLine) {
        commandLine
                .getCommandSpec()
                .usageMessage()
                .sortOptions(false)
                .parameterListHeading("%nArguments:%n")
                .optionListHeading("%nOptions:%n");
        commandLine.getSubcommands().values().forEach(Main::arrangeHelp);
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
