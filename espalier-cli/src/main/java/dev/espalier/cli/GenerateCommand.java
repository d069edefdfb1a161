package dev.espalier.cli;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.error.InputException;
import dev.espalier.generate.Generation;
import dev.espalier.generate.Generator;
import dev.espalier.generate.Prompt;
import dev.espalier.text.ChatTemplate;
import dev.espalier.text.Message;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "Input is a prompt a line, or JSON Lines with a \"prompt\" or \"messages\" in each row; each row is written",
            "with its \"answer\", in order. Without --prompt and --input, standard input is read.",
            "",
            "Examples:",
            "  espalier generate --model examples/stories260K --prompt \"Once upon a time\" --max-new-tokens 60",
            "  espalier generate --adapter runs/my-run --chat --prompt \"What is a violin?\" --temperature 0.7",
            "  espalier generate --model DIR --input rows.jsonl --output answers.jsonl"
        })
final class GenerateCommand implements Runnable {
    /** Rows that are read, answered and written together, in batches. */
    private static final int BATCHES = 8;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, validate = false, heading = "%nModel:%n")
    private final TextModel.Options model = new TextModel.Options();

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
        try (var opened = model.open()) {
            if (data.prompt != null && data.output == null) {
                stream(opened, GenerationRow.ofText(data.prompt));
            } else {
                answer(opened, rows());
            }
        }
    }

    /** Writes one answer as it is generated. */
    private void stream(TextModel opened, GenerationRow row) {
        var out = spec.commandLine().getOut();
        var template = template(opened, List.of(row));
        generator(opened, template).generate(List.of(prompt(1, row, opened, template)), (place, piece) -> {
            out.print(piece);
            out.flush();
        });
        out.print("\n");
        out.flush();
    }

    private void answer(TextModel opened, List<GenerationRow> rows) {
        var template = template(opened, rows);
        var generator = generator(opened, template);
        var prompts = new ArrayList<Prompt>();
        for (var row : rows) {
            prompts.add(prompt(prompts.size() + 1, row, opened, template));
        }
        var out = spec.commandLine().getOut();
        var lines = new ArrayList<String>();
        for (int start = 0; start < prompts.size(); start += BATCHES * data.batchSize) {
            int end = Math.min(prompts.size(), start + BATCHES * data.batchSize);
            List<Generation> answers = generator.generate(prompts.subList(start, end));
            for (int i = start; i < end; i++) {
                var line = rows.get(i).answered(answers.get(i - start));
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

    /** The chat template, if a row is a conversation. */
    private Optional<ChatTemplate> template(TextModel opened, List<GenerationRow> rows) {
        boolean chat = data.chat || data.system != null || rows.stream().anyMatch(GenerationRow::isChat);
        return chat ? Optional.of(opened.chatTemplate()) : Optional.empty();
    }

    private Generator generator(TextModel opened, Optional<ChatTemplate> template) {
        var options = sampling.options(opened.stopTokens(template));
        return new Generator(opened.model(), opened.tokenizer(), options, data.batchSize);
    }

    /** {@code place} counts rows from 1, as messages about a prompt do. */
    private Prompt prompt(int place, GenerationRow row, TextModel opened, Optional<ChatTemplate> template) {
        if (template.isEmpty() || !(row.isChat() || data.chat || data.system != null)) {
            return Prompt.text(place, row.prompt(), opened.tokenizer());
        }
        var messages = new ArrayList<Message>();
        if (data.system != null) {
            messages.add(new Message("system", data.system));
        }
        messages.addAll(row.isChat() ? row.messages() : List.of(Message.user(row.prompt())));
        return Prompt.chat(place, messages, template.get(), opened.tokenizer());
    }

    private List<GenerationRow> rows() {
        if (data.prompt != null) {
            return List.of(GenerationRow.ofText(data.prompt));
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
                rows.add(json ? GenerationRow.ofJson(line, source + ", line " + number) : GenerationRow.ofText(line));
            }
        }
        if (rows.isEmpty()) {
            throw new InputException(source + " has no prompts; give a line for each, or --prompt.");
        }
        return rows;
    }
}
