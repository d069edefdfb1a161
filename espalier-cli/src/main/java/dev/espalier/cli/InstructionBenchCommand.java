package dev.espalier.cli;

import dev.espalier.bench.InstructionBenchmark;
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

/** Measures instruction tuning. */
@Command(
        name = "instruction",
        description =
                "Measures instruction tuning of a decoder on prompts and answers of unlike lengths: packed, padded, and with plain"
                        + " settings; what counts are label tokens a second.",
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        footer = {
            "",
            "Examples:",
            "  espalier bench instruction --shape smollm2-135m --dtype bf16",
            "  espalier bench instruction --shape qwen2.5-0.5b --dtype bf16 --examples 16 --json tuning.json"
        })
final class InstructionBenchCommand implements Runnable {
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
        @Option(names = "--examples", paramLabel = "N", description = "Of an epoch. Default 64.")
        private int examples = 64;

        @Option(names = "--batch", paramLabel = "N", description = "Examples of a step. Default 8.")
        private int batch = 8;

        @Option(names = "--max-tokens", paramLabel = "N", description = "Tokens of a row at most. Default 512.")
        private int maxTokens = 512;

        @Option(
                names = "--epochs",
                paramLabel = "N",
                description = "How many are timed after one to warm up. Default 3.")
        private int epochs = 3;

        @Option(names = "--profile", description = "Show what a step of each spends its time and memory on.")
        private boolean profile;

        @Option(names = "--json", paramLabel = "FILE", description = "Write the result to this file, too.")
        private @Nullable Path json;
    }

    @Override
    public void run() {
        var shape = model.shape();
        var options = new InstructionBenchmark.Options(
                shape,
                model.dtype(),
                measurement.examples,
                measurement.batch,
                measurement.maxTokens,
                adapter.spec(shape),
                measurement.epochs,
                measurement.profile);
        Engine.load();
        var results = InstructionBenchmark.run(options);
        if (measurement.json != null) {
            AtomicFiles.writeString(measurement.json, Json.pretty(results));
        }
        double plain = results.stream()
                .filter(result -> result.setting() == InstructionBenchmark.Setting.PLAIN)
                .mapToDouble(InstructionBenchmark.Result::labelsPerSecond)
                .sum();
        var table = new TextTable(List.of(
                Column.text("shape"),
                Column.text("dtype"),
                Column.text("setting"),
                Column.number("epoch"),
                Column.number("padding"),
                Column.number("tokens/s"),
                Column.number("label tokens/s"),
                Column.number("times plain")));
        for (var result : results) {
            table.row(
                    shape.key(),
                    options.dtype(),
                    result.setting().title(),
                    String.format(Locale.ROOT, "%.1f s", result.seconds()),
                    String.format(Locale.ROOT, "%.0f %%", 100 - 100.0 * result.tokens() / result.computedTokens()),
                    String.format(Locale.ROOT, "%,.0f", result.tokens() / result.seconds()),
                    String.format(Locale.ROOT, "%,.0f", result.labelsPerSecond()),
                    String.format(Locale.ROOT, "%.2f", result.labelsPerSecond() / plain));
        }
        var out = spec.commandLine().getOut();
        out.print(table);
        for (var result : results) {
            result.profile()
                    .ifPresent(
                            profile -> out.printf("%n%s%n%s", result.setting().title(), profile.table()));
        }
        out.flush();
    }
}
