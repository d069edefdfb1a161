package dev.espalier.cli;

import dev.espalier.data.Columns;
import dev.espalier.data.Example;
import dev.espalier.data.PredictionInput;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.train.AdaptedModel;
import dev.espalier.train.AdaptedTask;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers texts with a trained adapter. */
@Command(
        name = "predict",
        description = "Answers texts with a trained adapter: a label and its probability for each.",
        footer = {
            "",
            "Input is a text a line (a tab parts two texts), or JSON Lines with the columns of training data.",
            "",
            "Examples:",
            "  espalier predict runs/demo/sira \"violin: a bowed instrument with four strings\"",
            "  espalier predict runs/my-run --input mails.txt > labels.tsv",
            "  espalier predict my-library --task mails --route arrow \"the printer is on fire\"",
            "  cat rows.jsonl | espalier predict runs/my-run --text-column body --json --top 3"
        })
final class PredictCommand implements Runnable {
    /** Inputs that are answered together; enough for batches of like lengths. */
    private static final int CHUNK = 512;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "RUN", description = "The folder of a run, of an adapter or of a library.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path folder;

    @Parameters(
            index = "1..*",
            paramLabel = "TEXT",
            description = "Texts to answer; without any, --input or standard input is read.")
    private List<String> texts = new ArrayList<>();

    @ArgGroup(exclusive = false, heading = "%nInput:%n")
    private final InputOptions input = new InputOptions();

    @ArgGroup(exclusive = false, heading = "%nOutput:%n")
    private final OutputOptions output = new OutputOptions();

    @ArgGroup(exclusive = false, heading = "%nModel:%n")
    private final ModelOptions model = new ModelOptions();

    @ArgGroup(exclusive = false, heading = "%nLibrary:%n")
    private final RoutingArguments routing = new RoutingArguments();

    private static final class InputOptions {
        @Option(
                names = {"-i", "--input"},
                paramLabel = "FILE",
                description = "Read this file.")
        private @Nullable Path file;

        @Option(names = "--text-column", paramLabel = "NAME", description = "JSON Lines: the key of the text.")
        private @Nullable String text;

        @Option(
                names = "--text-pair-column",
                paramLabel = "NAME",
                description = "JSON Lines: the key of a second text.")
        private @Nullable String textPair;

        @Option(names = "--words-column", paramLabel = "NAME", description = "JSON Lines: the key of a list of words.")
        private @Nullable String words;

        private Columns columns() {
            return new Columns(text, textPair, null, null, words, null);
        }
    }

    private static final class OutputOptions {
        @Option(names = "--json", description = "Write a JSON object a line, not columns with tabs.")
        private boolean json;

        @Option(names = "--top", paramLabel = "N", description = "Write the N most probable labels; 1 unless given.")
        private int top = 1;
    }

    @Override
    public void run() {
        if (output.top < 1) {
            throw new InputException("--top is " + output.top + "; it must be at least 1.");
        }
        if (!texts.isEmpty() && input.file != null) {
            throw new InputException("There are texts and --input " + input.file + "; give one of them.");
        }
        Engine.load();
        try (var adapted = model.open(folder, routing);
                var lines = lines()) {
            answer(adapted, model.task(adapted, Optional.empty()), lines);
        } catch (IOException e) {
            throw unreadable(e);
        } catch (UncheckedIOException e) {
            throw unreadable(Objects.requireNonNull(e.getCause()));
        }
    }

    private InputException unreadable(IOException e) {
        return new InputException(
                e instanceof CharacterCodingException
                        ? source() + " is not UTF-8 text; convert it."
                        : source() + " cannot be read: " + e.getMessage() + ".",
                e);
    }

    private void answer(AdaptedModel adapted, AdaptedTask task, BufferedReader lines) {
        var out = spec.commandLine().getOut();
        var examples = PredictionInput.read(lines, source(), input.columns(), task.kind())
                .iterator();
        // Someone who types wants each answer at once.
        int chunk = interactive() ? 1 : CHUNK;
        while (examples.hasNext()) {
            var inputs = next(examples, chunk).stream().map(Example::input).toList();
            for (var answer : adapted.predict(task.name(), inputs)) {
                print(AnswerText.of(answer, output.top, output.json), out);
            }
            out.flush();
        }
    }

    private static void print(String line, PrintWriter out) {
        // Not println: what reads this expects the same line ends on every system.
        out.print(line + "\n");
    }

    private static List<Example> next(Iterator<Example> examples, int count) {
        var chunk = new ArrayList<Example>();
        while (chunk.size() < count && examples.hasNext()) {
            chunk.add(examples.next());
        }
        return chunk;
    }

    private BufferedReader lines() throws IOException {
        if (!texts.isEmpty()) {
            return new BufferedReader(new StringReader(String.join("\n", texts)));
        }
        if (input.file != null) {
            if (!Files.exists(input.file)) {
                throw new InputException("There is no file " + input.file + ".");
            }
            return Files.newBufferedReader(input.file);
        }
        if (interactive()) {
            spec.commandLine().getErr().println("Type a text a line; Ctrl-D ends.");
        }
        return new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8.newDecoder()));
    }

    private boolean interactive() {
        return texts.isEmpty() && input.file == null && Terminal.INPUT.present();
    }

    private String source() {
        return !texts.isEmpty() ? "TEXT" : input.file != null ? input.file.toString() : "standard input";
    }
}
