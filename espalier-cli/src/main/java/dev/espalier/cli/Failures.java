package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says in one sentence what went wrong. Stack traces are for {@code --verbose}. */
final class Failures implements IParameterExceptionHandler, IExecutionExceptionHandler {
    private static final int OURS = 1;
    private static final int INPUT = 2;

    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    /** Wrong arguments. */
    @Override
    public int handleParseException(ParameterException e, String[] args) {
        var commandLine = e.getCommandLine();
        var command = commandLine.getCommandSpec().qualifiedName();
        say(commandLine, sentence(e) + " See " + command + " --help.");
        LOG.debug("Arguments {}", List.of(args), e);
        return INPUT;
    }

    /** What a command threw. */
    @Override
    public int handleExecutionException(Exception e, CommandLine commandLine, ParseResult result) {
        LOG.debug("{} failed", commandLine.getCommandSpec().qualifiedName(), e);
        if (e instanceof InputException) {
            say(commandLine, String.valueOf(e.getMessage()));
            return INPUT;
        }
        var at = Stream.of(e.getStackTrace())
                .filter(frame -> frame.getClassName().startsWith("dev.espalier."))
                .findFirst();
        say(
                commandLine,
                "this is a fault of Espalier's, not yours: " + e
                        + at.map(frame -> " (at " + frame + ")").orElse("")
                        + ". With --verbose all of it is shown; please report it.");
        return OURS;
    }

    private static String sentence(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            return unmatched(unmatched);
        }
        if (e instanceof MissingParameterException missing) {
            var names = missing.getMissing().stream().map(Failures::name).collect(Collectors.joining(" and "));
            var group = missing.getMissing().get(0).group();
            return group != null && group.exclusive()
                    ? "give one of " + names + "."
                    : names + (missing.getMissing().size() == 1 ? " is missing." : " are missing.");
        }
        var message = String.valueOf(e.getMessage());
        return message.endsWith("?") ? message : message + ".";
    }

    private static String name(ArgSpec argument) {
        return argument instanceof OptionSpec option ? option.longestName() : argument.paramLabel();
    }

    private static String unmatched(UnmatchedArgumentException e) {
        var word = e.getUnmatched().get(0);
        var spec = e.getCommandLine().getCommandSpec();
        if (e.isUnknownOption()) {
            var options =
                    spec.options().stream().map(option -> option.longestName()).toList();
            return "there is no option '" + word + "'; did you mean '"
                    + Nearest.to(word.replaceFirst("=.*", ""), options, 1).get(0) + "'?";
        }
        var commands = spec.subcommands().keySet();
        if (commands.isEmpty()) {
            return "'" + word + "' is one argument too many.";
        }
        return "there is no command '" + word + "'; did you mean '"
                + Nearest.to(word, commands, 1).get(0) + "'?";
    }

    private static void say(CommandLine commandLine, String sentence) {
        var err = commandLine.getErr();
        err.println("espalier: " + sentence);
        err.flush();
    }
}
