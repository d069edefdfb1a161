package dev.espalier.model;

import dev.espalier.tensor.Profile.Part;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;

/** Parts of one linear's output that several are fused in. */
final class Columns {
    private Columns() {}

    /**
     * Views of neighbouring columns.
     *
     * @param x {@code [tokens, sum of widths]}
     */
    static List<Variable> split(Variable x, ForwardContext context, long... widths) {
        var parts = new ArrayList<Variable>();
        long from = 0;
        for (long width : widths) {
            parts.add(part(x, from, width, context));
            from += width;
        }
        return parts;
    }

    private static Variable part(Variable x, long from, long width, ForwardContext context) {
        long columns = x.value().size(1);
        try (var scope = context.tape().scope(Part.LINEAR)) {
            return context.tape()
                    .record(
                            scope,
                            x.value().narrow(1, from, width),
                            x.requiresGrad(),
                            dY -> x.accumulateColumns(from, columns, dY));
        }
    }
}
