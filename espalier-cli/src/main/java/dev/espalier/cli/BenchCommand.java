package dev.espalier.cli;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.bench.BenchmarkResult;
import dev.espalier.bench.Shape;
import dev.espalier.bench.StepBenchmark;
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

/** Measures training steps. */
@Command(
        name = "bench",
        description = "Measures a training step: tokens/s, share of this machine's matrix-product peak, peak memory.",
        subcommands = {
            KernelBenchCommand.class,
            SparseBenchCommand.class,
            MergeBenchCommand.class,
            InferenceBenchCommand.class,
            InstructionBenchCommand.class,
            AttentionBenchCommand.class
        },
        footer = {
            "",
            "Examples:",
            "  espalier bench --shape minilm --method lora --rank 8 --json lora.json",
            "  espalier bench --shape bert-base --method sira --dtype bf16 --json bench.json",
            "  espalier bench --shape smollm2-135m --dtype bf16",
            "  espalier bench --shape bert-base --method mola --experts 8 --top-k 2 --all-linear --against-lora 16",
            "  espalier bench --shape bert-base --method sparse --block-size 16 --against-lora 8"
        })
final class BenchCommand implements Runnable {
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
        @Option(names = "--batch", paramLabel = "N", description = "Rows of a batch. Default 16, of decoders 4.")
        private @Nullable Integer batch;

        @Option(names = "--tokens", paramLabel = "N", description = "Tokens of every row. Default 64, of decoders 256.")
        private @Nullable Integer tokens;

        @Option(names = "--steps", paramLabel = "N", description = "Steps that are timed after a warm-up. Default 30.")
        private int steps = 30;

        @Option(
                names = "--workers",
                paramLabel = "N",
                description = "Threads that each take a part of the batch. Default 0: what is fastest here.")
        private int workers;

        @Option(
                names = "--against-lora",
                paramLabel = "R",
                description = "Measure LoRA of this rank, too, a step of each in turn; memory is that of both.")
        private @Nullable Integer againstLora;

        @Option(
                names = "--gradient-checkpointing",
                description = "Compute a decoder's blocks again in backward, as training does if it is told to.")
        private boolean checkpointing;

        @Option(names = "--profile", description = "Show what a step spends its time and memory on.")
        private boolean profile;

        @Option(names = "--json", paramLabel = "FILE", description = "Write the result to this file, too.")
        private @Nullable Path json;
    }

    @Override
    public void run() {
        var shape = model.shape();
        var specs = specs(shape);
        var options = new StepBenchmark.Options(
                shape,
                model.dtype(),
                measurement.batch == null ? shape.usualBatch() : measurement.batch,
                measurement.tokens == null ? shape.usualTokens() : measurement.tokens,
                specs.get(0),
                measurement.steps,
                measurement.workers,
                measurement.checkpointing,
                measurement.profile);
        Engine.load();
        var results = StepBenchmark.run(options, specs);
        if (measurement.json != null) {
            AtomicFiles.writeString(measurement.json, Json.pretty(results.size() == 1 ? results.get(0) : results));
        }
        var out = spec.commandLine().getOut();
        out.print(table(results));
        if (results.size() > 1) {
            out.printf(
                    Locale.ROOT,
                    "%s trains at %.2f times the speed of %s.%n",
                    results.get(0).method(),
                    results.get(0).tokensPerSecond() / results.get(1).tokensPerSecond(),
                    results.get(1).method());
        }
        for (var result : results) {
            result.profile().ifPresent(profile -> {
                out.printf("%n%s%n", result.method());
                double tokens = result.batch() * (double) result.tokens();
                out.print(profile.table(result.flopsPerToken().times(tokens).byPart(), result.gemmPeakGflops() * 1e9));
            });
        }
        out.flush();
    }

    private List<AdapterSpec> specs(Shape shape) {
        var spec = adapter.spec(shape);
        return measurement.againstLora == null
                ? List.of(spec)
                : List.of(
                        spec,
                        LoraSpec.defaults().withTargets(adapter.targets(shape)).withRank(measurement.againstLora));
    }

    private static TextTable table(List<BenchmarkResult> results) {
        var table = new TextTable(List.of(
                Column.text("shape"),
                Column.text("method"),
                Column.text("dtype"),
                Column.number("batch"),
                Column.number("trained weights"),
                Column.number("step"),
                Column.number("tokens/s"),
                Column.number("of GEMM peak"),
                Column.number("peak memory")));
        for (var result : results) {
            table.row(
                    result.shape(),
                    result.method(),
                    result.dtype(),
                    result.batch() + " x " + result.tokens(),
                    String.format(Locale.ROOT, "%,d", result.trainedWeights()),
                    String.format(Locale.ROOT, "%.1f ms", result.stepSeconds() * 1000),
                    String.format(Locale.ROOT, "%,.0f", result.tokensPerSecond()),
                    String.format(
                            Locale.ROOT,
                            "%.0f %% of %.0f GFLOP/s",
                            result.gemmPeakShare() * 100,
                            result.gemmPeakGflops()),
                    String.format(Locale.ROOT, "%,.0f MB", result.peakMemoryMb()));
        }
        return table;
    }
}
