package dev.espalier.cli;

import dev.espalier.error.InputException;
import dev.espalier.generate.Conversation;
import dev.espalier.generate.FinishReason;
import dev.espalier.generate.Generation;
import dev.espalier.text.Message;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A conversation in the terminal. */
@Command(
        name = "chat",
        description = "Talks with a model in the terminal, through its chat template.",
        footer = {
            "",
            "A line is a turn. /reset forgets the conversation; Ctrl-C ends an answer, /exit or Ctrl-D the conversation.",
            "",
            "Examples:",
            "  espalier chat --model DIR --system \"Answer in one sentence.\"",
            "  espalier chat --adapter runs/my-run --temperature 0.7 --top-p 0.9",
            "  echo \"What is a violin?\" | espalier chat --model DIR"
        })
final class ChatCommand implements Runnable {
    private static final String COMMANDS =
            "/reset forgets the conversation; Ctrl-C ends an answer, /exit or Ctrl-D the conversation.\n";

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, validate = false, heading = "%nModel:%n")
    private final TextModelOptions model = new TextModelOptions();

    @ArgGroup(exclusive = false, validate = false, heading = "%nLibrary:%n")
    private final RoutingArguments routing = new RoutingArguments();

    @ArgGroup(exclusive = false, validate = false, heading = "%nSampling:%n")
    private final SamplingArguments sampling = new SamplingArguments();

    @Option(names = "--system", paramLabel = "TEXT", description = "Begin with this system message.")
    private @Nullable String system;

    @Override
    public void run() {
        routing.requireByToken();
        model.requireOneAdapter();
        sampling.warnOfUnused();
        try (var opened = model.open(routing)) {
            var template =
                    opened.chatTemplate(opened.adapters().keySet().stream().findFirst());
            var options = sampling.options(opened.stopTokens(Optional.of(template)));
            var beginning = system == null ? List.<Message>of() : List.of(new Message("system", system));
            try (var conversation =
                    new Conversation(opened.model(), opened.tokenizer(), template, options, beginning)) {
                talk(conversation);
            }
        }
    }

    private void talk(Conversation conversation) {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        hint(COMMANDS);
        try {
            var line = ask(in);
            for (; line != null && !line.strip().equals("/exit"); line = ask(in)) {
                if (line.strip().equals("/reset")) {
                    conversation.reset();
                } else if (Terminal.INPUT.present() && line.strip().matches("/\\p{Alpha}*")) {
                    hint(COMMANDS);
                } else if (!line.isBlank()) {
                    answer(conversation, line);
                }
            }
            if (line == null) {
                hint("\n");
            }
        } catch (IOException e) {
            throw new InputException("Standard input cannot be read: " + e.getMessage() + ".", e);
        }
    }

    private @Nullable String ask(BufferedReader in) throws IOException {
        hint("> ");
        return in.readLine();
    }

    @SuppressWarnings("try") // interrupts work by being open
    private void answer(Conversation conversation, String line) {
        var out = spec.commandLine().getOut();
        Generation answer;
        try (var interrupts = new Interrupts(conversation::interrupt)) {
            answer = conversation.say(line, piece -> {
                out.print(piece);
                out.flush();
            });
        } catch (InputException e) {
            if (!Terminal.INPUT.present()) {
                throw e;
            }
            hint(e.getMessage() + (conversation.begun() ? " /reset begins anew.\n" : "\n"));
            return;
        }
        out.print("\n");
        out.flush();
        if (answer.reason() == FinishReason.MAX_NEW_TOKENS) {
            hint("(cut after " + answer.tokens().length + " tokens; --max-new-tokens allows more)\n");
        } else if (answer.reason() == FinishReason.CONTEXT_FULL) {
            hint("(the model's context is full; /reset begins anew)\n");
        } else if (answer.reason() == FinishReason.INTERRUPTED) {
            hint("(stopped)\n");
        }
    }

    /** What only someone at a terminal needs. */
    private void hint(String text) {
        if (Terminal.INPUT.present()) {
            var err = spec.commandLine().getErr();
            err.print(text);
            err.flush();
        }
    }
}
