package dev.espalier.cli;

import dev.espalier.bench.AttentionBenchmark;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.model.AttentionTable;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures causal attention. */
@Command(
        name = "attention",
        description =
                "Measures causal attention with tiles of several sizes. The table that training goes by was made by this command.",
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        footer = {"", "Example:", "  espalier bench attention --output attention.csv"})
final class AttentionBenchCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before run
    private CommandSpec spec;

    @Option(names = "--output", paramLabel = "FILE", description = "Write all measurements to this file (CSV).")
    private @Nullable Path output;

    @Override
    public void run() {
        Engine.load();
        var table = AttentionBenchmark.run(done -> {});
        if (output != null) {
            AtomicFiles.writeString(output, table.csv());
        }
        var out = spec.commandLine().getOut();
        out.println(
                "Milliseconds forward and backward of 1,024 tokens (of one row where it is longer) in each worker, by queries of a tile.");
        out.print(text(table));
        out.flush();
    }

    private static List<String> shape(AttentionTable.Row row) {
        return List.of(row.dtype(), row.packed() ? "packed" : "a row each", String.valueOf(row.tokens()));
    }

    private static TextTable text(AttentionTable table) {
        var tiles = table.rows().stream()
                .map(AttentionTable.Row::tile)
                .distinct()
                .sorted()
                .toList();
        var columns = new ArrayList<>(List.of(Column.text("dtype"), Column.text("sequences"), Column.number("tokens")));
        tiles.forEach(tile -> columns.add(Column.number(tile == 0 ? "one mask" : "tiles of " + tile)));
        var text = new TextTable(columns);
        var shapes = table.rows().stream()
                .map(AttentionBenchCommand::shape)
                .distinct()
                .toList();
        for (var shape : shapes) {
            var cells = new ArrayList<>(shape);
            for (int tile : tiles) {
                cells.add(table.rows().stream()
                        .filter(row -> row.tile() == tile && shape.equals(shape(row)))
                        .map(row -> String.format(Locale.ROOT, "%.2f", row.micros() / 1000))
                        .findFirst()
                        .orElse(""));
            }
            text.row(cells);
        }
        return text;
    }
}
