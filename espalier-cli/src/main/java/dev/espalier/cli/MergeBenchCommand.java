package dev.espalier.cli;

import dev.espalier.bench.MergeBenchmark;
import dev.espalier.bench.MergeShape;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.json.Json;
import dev.espalier.merge.MergeMethods;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures a merge. */
@Command(
        name = "merge",
        description = "Measures a merge of LoRA adapters with random factors: its time and its peak memory.",
        footer = {
            "",
            "Examples:",
            "  espalier bench merge",
            "  espalier bench merge --shape qwen2.5-0.5b --all-linear --json merge.json"
        })
final class MergeBenchCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Option(
            names = "--shape",
            paramLabel = "SHAPE",
            completionCandidates = Shapes.class,
            description = "The model's sizes: ${COMPLETION-CANDIDATES}. Default bert-base.")
    private String shape = MergeShape.BERT_BASE.key();

    @Option(names = "--all-linear", description = "Adapters on all linears. Default: on query and value.")
    private boolean allLinear;

    @Option(names = "--adapters", paramLabel = "N", description = "How many. Default 20.")
    private int adapters = 20;

    @Option(names = "--rank", paramLabel = "R", description = "Of the adapters. Default 16.")
    private int rank = 16;

    @Option(
            names = "--merged-rank",
            paramLabel = "R",
            description = "Cut the merge to this rank; 0 to merge only. Default 16.")
    private int mergedRank = 16;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            completionCandidates = MergeOptions.Methods.class,
            description = "One of ${COMPLETION-CANDIDATES}. Default ties.")
    private String method = "ties";

    @Option(names = "--json", paramLabel = "FILE", description = "Write the result to this file, too.")
    private @Nullable Path json;

    static final class Shapes implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(MergeShape.values()).map(MergeShape::key).iterator();
        }
    }

    @Override
    public void run() {
        var options = new MergeBenchmark.Options(
                MergeShape.of(shape),
                allLinear,
                adapters,
                rank,
                mergedRank == 0 ? OptionalInt.empty() : OptionalInt.of(mergedRank),
                MergeMethods.of(method));
        Engine.load();
        var result = MergeBenchmark.run(options);
        if (json != null) {
            AtomicFiles.writeString(json, Json.pretty(result));
        }
        var table = new TextTable(List.of(
                Column.text("shape"),
                Column.text("method"),
                Column.number("adapters"),
                Column.number("time"),
                Column.number("peak memory"),
                Column.number("bound"),
                Column.number("left out by the rank")));
        table.row(
                shape + (allLinear ? ", all linears" : ""),
                method,
                adapters + " of rank " + rank,
                String.format(Locale.ROOT, "%.1f s", result.seconds()),
                String.format(Locale.ROOT, "%,.0f MB", result.peakMegabytes()),
                String.format(Locale.ROOT, "%,.0f MB", result.boundMegabytes()),
                String.format(Locale.ROOT, "%.0f %%", 100 * result.relativeError()));
        var out = spec.commandLine().getOut();
        out.print(table);
        out.flush();
    }
}
