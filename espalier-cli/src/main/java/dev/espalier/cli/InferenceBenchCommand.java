package dev.espalier.cli;

import dev.espalier.bench.InferenceBenchmark;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.json.Json;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures answers. */
@Command(
        name = "inference",
        description =
                "Measures answers: the tokens a second that an encoder labels, or that a decoder reads of prompts and writes;"
                        + " with the bare model, with an adapter beside its weights, and with the adapter merged.",
        footer = {
            "",
            "Examples:",
            "  espalier bench inference --shape bert-base --batch 32 --tokens 128",
            "  espalier bench inference --shape smollm2-135m --dtype bf16 --new-tokens 64 --json answers.json"
        })
final class InferenceBenchCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, heading = "%nModel:%n")
    private final BenchShapeOptions model = new BenchShapeOptions();

    @ArgGroup(exclusive = false, heading = "%nAdapter:%n")
    private final BenchAdapterOptions adapter = new BenchAdapterOptions();

    @ArgGroup(exclusive = false, heading = "%nMeasurement:%n")
    private final Measurement measurement = new Measurement();

    private static final class Measurement {
        @Option(names = "--batch", paramLabel = "N", description = "Rows, or prompts. Default 16, of decoders 4.")
        private @Nullable Integer batch;

        @Option(
                names = "--tokens",
                paramLabel = "N",
                description = "Tokens of every row, or prompt. Default 64, of decoders 256.")
        private @Nullable Integer tokens;

        @Option(
                names = "--new-tokens",
                paramLabel = "N",
                description = "Tokens that a decoder writes after each prompt. Default 32.")
        private int newTokens = 32;

        @Option(names = "--repeats", paramLabel = "N", description = "Times after a warm-up. Default 5.")
        private int repeats = 5;

        @Option(names = "--json", paramLabel = "FILE", description = "Write the result to this file, too.")
        private @Nullable Path json;
    }

    @Override
    public void run() {
        var shape = model.shape();
        var options = new InferenceBenchmark.Options(
                shape,
                model.dtype(),
                measurement.batch == null ? shape.usualBatch() : measurement.batch,
                measurement.tokens == null ? shape.usualTokens() : measurement.tokens,
                measurement.newTokens,
                adapter.spec(shape),
                measurement.repeats);
        Engine.load();
        var results = InferenceBenchmark.run(options);
        if (measurement.json != null) {
            AtomicFiles.writeString(measurement.json, Json.pretty(results));
        }
        var table = new TextTable(List.of(
                Column.text("shape"),
                Column.text("dtype"),
                Column.text("method"),
                Column.text("state"),
                Column.number("batch"),
                Column.number("read, tokens/s"),
                Column.number("written, tokens/s")));
        for (var result : results) {
            table.row(
                    shape.key(),
                    options.dtype(),
                    options.spec().method(),
                    result.state().title(),
                    options.batch() + " x " + options.tokens(),
                    speed(result.readTokensPerSecond()),
                    result.newTokensPerSecond().isPresent()
                            ? speed(result.newTokensPerSecond().getAsDouble())
                            : "");
        }
        var out = spec.commandLine().getOut();
        out.print(table);
        out.flush();
    }

    private static String speed(double tokensPerSecond) {
        return String.format(Locale.ROOT, tokensPerSecond < 100 ? "%.1f" : "%,.0f", tokensPerSecond);
    }
}
