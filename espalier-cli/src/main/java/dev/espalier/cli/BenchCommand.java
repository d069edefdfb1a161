package dev.espalier.cli;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.FullSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.SparseSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.bench.BenchmarkResult;
import dev.espalier.bench.Shape;
import dev.espalier.bench.StepBenchmark;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import dev.espalier.json.Json;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
        subcommands = {KernelBenchCommand.class, SparseBenchCommand.class, MergeBenchCommand.class},
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
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
    private static final Map<String, SparseSpec> SPARSE = Stream.of(
                    SparseSpec.sparse(), SparseSpec.shira(), SparseSpec.spiel(), SparseSpec.ltSft())
            .collect(Collectors.toMap(SparseSpec::method, spec -> spec, (a, b) -> a, LinkedHashMap::new));

    private static final List<String> METHODS = Stream.of(
                    Stream.of(LoraSpec.METHOD),
                    Mixtures.all().keySet().stream(),
                    SPARSE.keySet().stream(),
                    Stream.of(FullSpec.METHOD))
            .flatMap(names -> names)
            .toList();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @ArgGroup(exclusive = false, heading = "%nModel:%n")
    private final ModelShape model = new ModelShape();

    @ArgGroup(exclusive = false, heading = "%nAdapter:%n")
    private final AdapterOptions adapter = new AdapterOptions();

    @ArgGroup(exclusive = false, heading = "%nMeasurement:%n")
    private final Measurement measurement = new Measurement();

    private static final class ModelShape {
        @Option(
                names = "--shape",
                paramLabel = "SHAPE",
                completionCandidates = Shapes.class,
                description = "Its sizes: ${COMPLETION-CANDIDATES}. Default minilm.")
        private String shape = Shape.MINILM.key();

        @Option(
                names = "--dtype",
                paramLabel = "DTYPE",
                completionCandidates = Dtypes.class,
                description = "Number type of the frozen weights: ${COMPLETION-CANDIDATES}. Default fp32.")
        private String dtype = "fp32";
    }

    private static final class AdapterOptions {
        @Option(
                names = "--method",
                paramLabel = "METHOD",
                completionCandidates = Methods.class,
                description = "One of ${COMPLETION-CANDIDATES}. Default lora.")
        private String method = LoraSpec.METHOD;

        @Option(
                names = "--rank",
                paramLabel = "R",
                description = "Default " + LoraSpec.RANK + " for lora, else the method's own.")
        private @Nullable Integer rank;

        @Option(names = "--experts", paramLabel = "E", description = "Of a mixture. Default: the method's own.")
        private @Nullable Integer experts;

        @Option(
                names = "--top-k",
                paramLabel = "K",
                description = "Experts that a token of a mixture uses, where it chooses. Default: the method's own.")
        private @Nullable Integer topK;

        @Option(
                names = "--keep-ratio",
                paramLabel = "SHARE",
                description = "Of each matrix, that a sparse adapter keeps. Default: the method's own.")
        private @Nullable Double keepRatio;

        @Option(
                names = "--block-size",
                paramLabel = "N",
                description = "Side of the blocks that a sparse adapter keeps; 0 for single entries. Default 0.")
        private int blockSize;

        @Option(names = "--attention", description = "On all four matrices of attention.")
        private boolean attention;

        @Option(
                names = "--all-linear",
                description = "On all linears. Default: on query and value, of sparse methods and full on key, too.")
        private boolean allLinear;

        @Option(
                names = "--against-lora",
                paramLabel = "R",
                description = "Measure LoRA of this rank, too, a step of each in turn; memory is that of both.")
        private @Nullable Integer againstLora;

        private List<AdapterSpec> specs(Shape shape) {
            boolean keys = SPARSE.containsKey(method) || method.equals(FullSpec.METHOD);
            var usual = keys ? shape.attentionInputs() : shape.targets();
            if (allLinear && attention) {
                throw new InputException("--all-linear and --attention say different things; give one of them.");
            }
            var targets = allLinear ? TargetModules.allLinear() : attention ? shape.attention() : usual;
            var spec = spec(targets);
            return againstLora == null
                    ? List.of(spec)
                    : List.of(spec, LoraSpec.defaults().withTargets(targets).withRank(againstLora));
        }

        private AdapterSpec spec(TargetModules targets) {
            if (method.equals(LoraSpec.METHOD)) {
                var lora = LoraSpec.defaults().withTargets(targets);
                return rank == null ? lora : lora.withRank(rank);
            }
            if (!METHODS.contains(method)) {
                throw new InputException("There is no benchmark of the method '" + method + "'; did you mean '"
                        + Nearest.to(method, METHODS, 1).get(0) + "'?");
            }
            if (method.equals(FullSpec.METHOD)) {
                return FullSpec.defaults().withTargets(targets);
            }
            var sparse = SPARSE.get(method);
            if (sparse != null) {
                return sparse(sparse.withTargets(targets));
            }
            var mixture = Mixtures.of(method);
            return mixture.with(m -> m.targets(targets)
                    .expertsByDepth(experts == null ? mixture.experts().byDepth() : List.of())
                    .experts(experts == null ? mixture.experts().count() : experts)
                    .topK(topK == null ? mixture.routing().topK() : topK)
                    .rank(rank == null ? mixture.experts().rank() : rank));
        }

        /** As it trains once its entries are chosen. */
        private SparseSpec sparse(SparseSpec spec) {
            var ranked = rank == null ? spec : spec.withRank(rank);
            return (keepRatio == null ? ranked : ranked.withKeepRatio(keepRatio)).withBlockSize(blockSize);
        }
    }

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

        @Option(names = "--profile", description = "Show what a step spends its time and memory on.")
        private boolean profile;

        @Option(names = "--json", paramLabel = "FILE", description = "Write the result to this file, too.")
        private @Nullable Path json;
    }

    static final class Shapes implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Shape.values()).map(Shape::key).iterator();
        }
    }

    static final class Methods implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return METHODS.iterator();
        }
    }

    static final class Dtypes implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return List.of("fp32", "bf16").iterator();
        }
    }

    @Override
    public void run() {
        var shape = Shape.of(model.shape);
        var specs = adapter.specs(shape);
        var options = new StepBenchmark.Options(
                shape,
                model.dtype,
                measurement.batch == null ? shape.usualBatch() : measurement.batch,
                measurement.tokens == null ? shape.usualTokens() : measurement.tokens,
                specs.get(0),
                measurement.steps,
                measurement.workers,
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
