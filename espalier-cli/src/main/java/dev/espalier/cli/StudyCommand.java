package dev.espalier.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Experiments over many runs. */
@Command(
        name = "study",
        description = "Carries out an experiment over many runs: merge.",
        subcommands = StudyMergeCommand.class,
        commandListHeading = "%nStudies:%n",
        footer = {
            "",
            "@|bold espalier study merge --help|@ shows its options.",
            "",
            "Examples:",
            "  espalier study merge examples/study.yaml",
            "  espalier study merge examples/study-tiny.yaml --output runs/study"
        })
final class StudyCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
