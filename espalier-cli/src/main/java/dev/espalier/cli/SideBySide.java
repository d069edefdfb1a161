package dev.espalier.cli;

import dev.espalier.error.InputException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How many runs a command trains at once. */
final class SideBySide {
    @Option(
            names = "--at-once",
            paramLabel = "RUNS",
            description =
                    "Train so many runs side by side, on one copy of the model in memory; 0 for as many as there are"
                            + " cores.")
    private @Nullable Integer runs;

    /** @throws InputException if it is below 0 */
    int runsOr(int usual) {
        if (runs != null && runs < 0) {
            throw new InputException(
                    "--at-once is " + runs + "; it must be at least 1, or 0 for as many as there are cores.");
        }
        return runs == null ? usual : runs;
    }
}
