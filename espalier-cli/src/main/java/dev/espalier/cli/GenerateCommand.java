package dev.espalier.cli;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.cli.GenerationPrompts.Asked;
import dev.espalier.error.InputException;
import dev.espalier.generate.Generation;
import dev.espalier.generate.Generator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Continues texts, or answers conversations. */
@Command(
        name = "generate",
        description = "Continues texts with a causal language model, or answers conversations.",
        footer = {
            "",
            "Input is a prompt a line, or JSON Lines with a \"prompt\" or \"messages\" in each row; each row is written",
            "with its \"answer\", in order. Without --prompt and --input, standard input is read.",
            "",
            "Several adapters have names, and rows say by \"adapter\" which one they use; the others use the one that",
            "has no name, or the bare model.",
            "",
            "Examples:",
            "  espalier generate --model examples/stories260K --prompt \"Once upon a time\" --max-new-tokens 60",
            "  espalier generate --adapter runs/my-run --chat --prompt \"What is a violin?\" --temperature 0.7",
            "  espalier generate --model DIR --input rows.jsonl --output answers.jsonl",
            "  espalier generate --adapter my-library --route retrieve --input rows.jsonl",
            "  espalier generate --adapter a=runs/one --adapter b=runs/other --input rows.jsonl"
        })
final class GenerateCommand implements Runnable {
    /** Rows that are read, answered and written together, in batches. */
    private static final int BATCHES = 8;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, validate = false, heading = "%nModel:%n")
    private final TextModelOptions model = new TextModelOptions();

    @ArgGroup(exclusive = false, validate = false, heading = "%nLibrary:%n")
    private final RoutingArguments routing = new RoutingArguments();

    @ArgGroup(exclusive = false, validate = false, heading = "%nInput and output:%n")
    private final Data data = new Data();

    @ArgGroup(exclusive = false, validate = false, heading = "%nSampling:%n")
    private final SamplingArguments sampling = new SamplingArguments();

    private static final class Data {
        @Option(names = "--prompt", paramLabel = "TEXT", description = "Go on with this text.")
        private @Nullable String prompt;

        @Option(
                names = {"-i", "--input"},
                paramLabel = "FILE",
                description = "Read this file.")
        private @Nullable Path input;

        @Option(
                names = {"-o", "--output"},
                paramLabel = "FILE",
                description = "Write JSON Lines to this file, once all is done.")
        private @Nullable Path output;

        @Option(names = "--chat", description = "Ask prompts as a user's turn of the model's chat template.")
        private boolean chat;

        @Option(names = "--system", paramLabel = "TEXT", description = "Begin conversations with this system message.")
        private @Nullable String system;

        @Option(
                names = "--batch-size",
                paramLabel = "N",
                description = "Prompts that are continued side by side; ${DEFAULT-VALUE} unless given.",
                defaultValue = "16")
        private int batchSize;
    }

    @Override
    public void run() {
        if (data.prompt != null && data.input != null) {
            throw new InputException("There are --prompt and --input " + data.input + "; give one of them.");
        }
        if (data.output != null && Files.isDirectory(data.output)) {
            throw new InputException(data.output + " is a folder; give --output a file to write.");
        }
        sampling.warnOfUnused();
        try (var opened = model.open(routing)) {
            var prompts = new GenerationPrompts(opened, data.chat, Optional.ofNullable(data.system));
            if (data.prompt != null && data.output == null) {
                stream(opened, prompts.of(rows()).get(0));
            } else {
                answer(opened, prompts.of(rows()));
            }
        }
    }

    /** Writes one answer as it is generated. */
    private void stream(TextModel opened, Asked asked) {
        var out = spec.commandLine().getOut();
        generate(opened, asked.stops(), List.of(asked), (place, piece) -> {
            out.print(piece);
            out.flush();
        });
        out.print("\n");
        out.flush();
    }

    private void answer(TextModel opened, List<Asked> rows) {
        var out = spec.commandLine().getOut();
        var lines = new ArrayList<String>();
        int together = BATCHES * data.batchSize;
        for (int start = 0; start < rows.size(); start += together) {
            var part = rows.subList(start, Math.min(rows.size(), start + together));
            var answers = answers(opened, part);
            for (var asked : part) {
                var line = asked.row().answered(Objects.requireNonNull(answers.get(asked)));
                if (data.output == null) {
                    out.print(line + "\n");
                } else {
                    lines.add(line);
                }
            }
            out.flush();
        }
        if (data.output != null) {
            AtomicFiles.writeString(data.output, String.join("\n", lines) + "\n");
        }
    }

    /** Rows that end by the same tokens are continued side by side, whatever their adapters. */
    private Map<Asked, Generation> answers(TextModel opened, List<Asked> rows) {
        var answers = new IdentityHashMap<Asked, Generation>();
        rows.stream().collect(Collectors.groupingBy(Asked::stops)).forEach((stops, alike) -> {
            var generated = generate(opened, stops, alike, Generator.Listener.NONE);
            for (int i = 0; i < alike.size(); i++) {
                answers.put(alike.get(i), generated.get(i));
            }
        });
        return answers;
    }

    private List<Generation> generate(
            TextModel opened, Set<Integer> stops, List<Asked> rows, Generator.Listener listener) {
        var generator = new Generator(opened.model(), opened.tokenizer(), sampling.options(stops), data.batchSize);
        var prompts = rows.stream().map(Asked::prompt).toList();
        if (opened.library().isEmpty()) {
            return generator.generate(prompts, rows.stream().map(Asked::adapter).toList(), listener);
        }
        var inputs = rows.stream().map(asked -> asked.row().input()).toList();
        return generator.generate(prompts, opened.library().get().guide().of(inputs), listener);
    }

    private List<GenerationRow> rows() {
        if (data.prompt != null) {
            return List.of(GenerationRow.ofText(data.prompt, "The prompt"));
        }
        var source = data.input == null ? "standard input" : data.input.toString();
        if (data.input != null && !Files.exists(data.input)) {
            throw new InputException("There is no file " + data.input + ".");
        }
        try (var lines = data.input == null
                ? new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8.newDecoder()))
                : Files.newBufferedReader(data.input)) {
            return read(lines, source);
        } catch (IOException e) {
            throw new InputException(
                    e instanceof CharacterCodingException
                            ? source + " is not UTF-8 text; convert it."
                            : source + " cannot be read: " + e.getMessage() + ".",
                    e);
        }
    }

    private static List<GenerationRow> read(BufferedReader lines, String source) throws IOException {
        var rows = new ArrayList<GenerationRow>();
        boolean json = false;
        int number = 0;
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            number++;
            if (number == 1) {
                line = line.replaceFirst("^\uFEFF", "");
            }
            if (rows.isEmpty()) {
                json = source.matches(".*\\.jsonl?") || line.stripLeading().startsWith("{");
            }
            if (!line.isBlank()) {
                var where = source + ", line " + number;
                rows.add(json ? GenerationRow.ofJson(line, where) : GenerationRow.ofText(line, where));
            }
        }
        if (rows.isEmpty()) {
            throw new InputException(source + " has no prompts; give a line for each, or --prompt.");
        }
        return rows;
    }
}
