package dev.espalier.cli;

import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.route.AdapterLibrary;
import dev.espalier.route.LibraryEntry;
import java.util.List;
import java.util.stream.Collectors;

/** What is in a library, a row for each adapter. */
final class LibraryTable {
    private LibraryTable() {}

    static TextTable of(AdapterLibrary library) {
        var table = new TextTable(List.of(
                Column.text("adapter"),
                Column.text("base model"),
                Column.text("tasks"),
                Column.number("linears"),
                Column.number("rank"),
                Column.number("samples")));
        library.entries()
                .forEach(entry -> table.row(
                        entry.name(),
                        entry.baseModel(),
                        String.join(", ", entry.tasks()),
                        String.valueOf(entry.modules().size()),
                        ranks(entry),
                        entry.samples()
                                .map(samples -> String.valueOf(samples.count()))
                                .orElse("none")));
        return table;
    }

    private static String ranks(LibraryEntry entry) {
        return entry.modules().values().stream()
                .map(LibraryEntry.Module::rank)
                .distinct()
                .sorted()
                .map(String::valueOf)
                .collect(Collectors.joining(", "));
    }
}
