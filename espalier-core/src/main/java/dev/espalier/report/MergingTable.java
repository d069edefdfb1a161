package dev.espalier.report;

import dev.espalier.merge.Merger;
import dev.espalier.report.TextTable.Column;
import java.util.List;
import java.util.Locale;

/** A row for each adapter that was merged: what it is, and how much of it takes part. */
public final class MergingTable {
    private MergingTable() {}

    /** The table of what was merged so far. */
    public static TextTable of(Merger merger) {
        var table = new TextTable(List.of(
                Column.text("adapter"),
                Column.text("kind"),
                Column.number("modules"),
                Column.number("weight"),
                Column.number("norm share"),
                Column.number("kept"),
                Column.number("sign conflicts")));
        var statistics = merger.statistics();
        var shares = statistics.normShares();
        for (int i = 0; i < merger.adapters().size(); i++) {
            var adapter = merger.adapters().get(i);
            table.row(
                    adapter.name(),
                    adapter.kind(),
                    String.valueOf(adapter.shapes().size()),
                    String.format(Locale.ROOT, "%.2f", merger.plan().weight(i)),
                    percent(shares.get(i)),
                    percent(statistics.density(i)),
                    percent(statistics.signConflictsWithOthers(i)));
        }
        return table;
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }
}
