package dev.espalier.cli;

import dev.espalier.bench.KernelBenchmark;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.kernel.KernelTable;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures both kernels of mixtures that choose. */
@Command(
        name = "kernels",
        description = {
            "Measures both ways to multiply with the experts of a mixture: all of them for every token, or each with the",
            "tokens that chose it. The table that training goes by was made by this command."
        },
        footer = {"", "Example:", "  espalier bench kernels --output kernels.csv"})
final class KernelBenchCommand implements Runnable {
    private static final int TOKENS = 512;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Option(names = "--output", paramLabel = "FILE", description = "Write all measurements to this file (CSV).")
    private @Nullable Path output;

    @Override
    public void run() {
        Engine.load();
        var table = KernelBenchmark.run(KernelBenchmark.shapes(), done -> {});
        if (output != null) {
            AtomicFiles.writeString(output, table.csv());
        }
        var out = spec.commandLine().getOut();
        out.println("Time of all experts for every token, over that of each expert with its tokens; fp32, one thread,");
        out.println(TOKENS + " tokens, the widest linear that is measured. Above 1, gathering is faster.");
        out.print(crossover(table));
        out.flush();
    }

    /** A row for every number of experts and rank, a column for every number of experts that a token is given. */
    private static TextTable crossover(KernelTable table) {
        int widest =
                table.rows().stream().mapToInt(row -> row.shape().in()).max().orElse(0);
        var rows = table.rows().stream()
                .filter(row -> row.shape().in() == widest
                        && row.shape().tokens() == TOKENS
                        && row.shape().dtype().equals("fp32")
                        && row.shape().threads() == 1
                        && !row.shape().sharedA())
                .toList();
        var active = values(rows.stream().mapToInt(row -> row.shape().active()));
        var columns = new ArrayList<>(List.of(Column.number("experts"), Column.number("rank")));
        active.forEach(k -> columns.add(Column.number("top " + k)));
        var text = new TextTable(columns);
        var sizes = rows.stream()
                .map(row -> List.of(row.shape().experts(), row.shape().rank()))
                .distinct()
                .sorted(Comparator.<List<Integer>>comparingInt(size -> size.get(0))
                        .thenComparingInt(size -> size.get(1)))
                .toList();
        for (var size : sizes) {
            var cells = new ArrayList<>(size.stream().map(String::valueOf).toList());
            for (int k : active) {
                cells.add(rows.stream()
                        .filter(row -> row.shape().active() == k
                                && size.equals(List.of(
                                        row.shape().experts(), row.shape().rank())))
                        .map(row -> String.format(Locale.ROOT, "%.2f", row.denseMicros() / row.gatheredMicros()))
                        .findFirst()
                        .orElse(""));
            }
            text.row(cells.toArray(String[]::new));
        }
        return text;
    }

    private static List<Integer> values(IntStream values) {
        return values.distinct().sorted().boxed().toList();
    }
}
