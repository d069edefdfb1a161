package dev.espalier.cli;

import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.export.AdapterExport;
import dev.espalier.adapter.export.Probe;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.text.TextTokenizer;
import dev.espalier.train.RunFolder;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a trained adapter in another format. */
@Command(
        name = "export",
        description = "Writes a trained adapter for use elsewhere: for PEFT, merged into its model, or for llama.cpp.",
        footer = {
            "",
            "Formats:",
            "  peft    a folder for PEFT's PeftModel.from_pretrained",
            "  merged  a Hugging Face model folder with the adapter in its weights, tokenizer along",
            "  gguf    a LoRA adapter for llama.cpp's --lora",
            "",
            "Examples:",
            "  espalier export runs/my-run --format merged --output my-model",
            "  espalier export runs/my-run --format gguf --output my-adapter.gguf",
            "  espalier export path/to/adapter --format peft --model path/to/base --output my-adapter"
        })
final class ExportCommand implements Runnable {
    static final List<String> PROBE = List.of(
            "The ferry leaves at eight, so we had breakfast on the quay.",
            "Water boils at 100 °C; higher up in the mountains it boils earlier.");

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "RUN-OR-ADAPTER", description = "The folder of a run or of an adapter.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path folder;

    @Option(names = "--format", paramLabel = "FORMAT", required = true, description = "peft, merged or gguf.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Format format;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "PATH",
            required = true,
            description = "The folder to make, or the file for gguf; nothing may be there yet.")
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private Path output;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "The base model's folder or name, if it is not where the adapter says.")
    private @Nullable String model;

    /** What can be written. */
    enum Format {
        PEFT,
        MERGED,
        GGUF
    }

    @Override
    @SuppressWarnings("try") // the guard works by being open
    public void run() {
        if (Files.exists(output)) {
            throw new InputException(output + " exists already; choose another place, or remove it.");
        }
        var own = new RunFolder(folder).adapter();
        var adapter = Files.isDirectory(own) ? own : folder;
        Engine.load();
        try (var guard = Engine.enter(Engine.threads())) {
            var base = ModelLocator.locate(model == null ? baseModel(adapter) : model);
            var out = spec.commandLine().getOut();
            switch (format) {
                case PEFT -> AdapterExport.peft(adapter, base, output);
                case MERGED -> merged(adapter, base, out);
                case GGUF -> AdapterExport.gguf(adapter, base, output);
            }
            out.println("Written: " + output);
        }
    }

    private static String baseModel(Path adapter) {
        try (var saved = AdapterFolder.open(adapter)) {
            return saved.card().baseModel();
        }
    }

    private void merged(Path adapter, Path base, PrintWriter out) {
        try (var tokenizer = TextTokenizer.open(base)) {
            var report = AdapterExport.merged(adapter, base, output, Probe.of(tokenizer, PROBE));
            out.printf(
                    "Largest difference of a logit from the adapted model's: %.2g before rounding, %.2g as written.%n",
                    report.exact(), report.rounded());
        }
    }
}
