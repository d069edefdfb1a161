package dev.espalier.report;

import dev.espalier.allocation.Allocation;
import dev.espalier.report.TextTable.Column;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** An allocation for the terminal: a row for each layer, a column for each type of matrix, totals of both. */
public final class AllocationTable {
    private AllocationTable() {}

    /** The table; a cell is empty where a layer has no such matrix. */
    public static TextTable of(Allocation allocation) {
        var grid = LayerGrid.of(allocation.modules());
        List<Column> columns = new ArrayList<>();
        columns.add(Column.number("layer"));
        grid.types().forEach(type -> columns.add(Column.number(type)));
        columns.add(Column.number("total"));
        var table = new TextTable(columns);
        var totals = new long[grid.types().size()];
        for (int row = 0; row < grid.layers().size(); row++) {
            List<String> cells = new ArrayList<>();
            cells.add(grid.layers().get(row));
            long total = 0;
            for (int type = 0; type < totals.length; type++) {
                var count = count(allocation, grid.modules().get(row).get(type));
                cells.add(count.map(String::valueOf).orElse(""));
                total += count.orElse(0);
                totals[type] += count.orElse(0);
            }
            cells.add(String.valueOf(total));
            table.row(cells);
        }
        List<String> last = new ArrayList<>();
        last.add("total");
        for (long total : totals) {
            last.add(String.valueOf(total));
        }
        last.add(String.valueOf(allocation.total()));
        return table.row(last);
    }

    private static Optional<Integer> count(Allocation allocation, Optional<String> module) {
        return module.map(allocation::count);
    }
}
