package dev.espalier.cli;

import dev.espalier.bench.SparseBenchmark;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Measures the products of sparse adapters. */
@Command(
        name = "sparse-kernels",
        description = {
            "Measures the ways to multiply with a sparse change of a weight: added to it in one product, or its blocks apart;",
            "and those to get its gradient: out of the whole weight's, or block by block."
        },
        footer = {"", "Example:", "  espalier bench sparse-kernels"})
final class SparseBenchCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Override
    public void run() {
        Engine.load();
        var out = spec.commandLine().getOut();
        out.println("Milliseconds on one thread, fp32; width is that of a square weight, block 1 is single entries.");
        out.print(table(SparseBenchmark.run()));
        out.flush();
    }

    private static TextTable table(List<SparseBenchmark.Row> rows) {
        var table = new TextTable(List.of(
                Column.number("width"),
                Column.number("tokens"),
                Column.number("keep ratio"),
                Column.number("block"),
                Column.number("frozen"),
                Column.number("with sum"),
                Column.number("blocks apart"),
                Column.number("gradient of all"),
                Column.number("by blocks")));
        for (var row : rows) {
            table.row(
                    String.valueOf(row.width()),
                    String.valueOf(row.tokens()),
                    String.valueOf(row.keepRatio()),
                    String.valueOf(row.block()),
                    milliseconds(row.frozen()),
                    milliseconds(row.sum()),
                    milliseconds(row.apart()),
                    milliseconds(row.gathered()),
                    milliseconds(row.batched()));
        }
        return table;
    }

    private static String milliseconds(double seconds) {
        return Double.isNaN(seconds) ? "" : String.format(Locale.ROOT, "%.2f", seconds * 1000);
    }
}
