package dev.espalier.cli;

import dev.espalier.checkpoint.TensorSource;
import dev.espalier.report.TextTable;
import dev.espalier.report.TextTable.Column;
import dev.espalier.tensor.Engine;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Tensors as a table in which layers that are alike are one row. */
final class TensorTable {
    /** Tensors whose names differ in numbers only, such as those of a stack's layers. */
    private record Kind(String name, List<Long> shape, String dtype) {}

    private record Total(int tensors, long parameters) {
        Total plus(Total other) {
            return new Total(tensors + other.tensors, parameters + other.parameters);
        }
    }

    private final Map<Kind, Total> kinds = new LinkedHashMap<>();

    /** The tensors of {@code source}, in its order. */
    TensorTable(TensorSource source) {
        for (var name : source.names()) {
            var info = source.info(name);
            kinds.merge(
                    new Kind(folded(name), info.shape(), Engine.name(info.dtype())),
                    new Total(1, info.elements()),
                    Total::plus);
        }
    }

    /** A path with N for every number in it. */
    static String folded(String path) {
        return path.replaceAll("(?<=^|\\.)\\d+(?=\\.|$)", "N");
    }

    /** A number with a comma at each thousand. */
    static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /** How much it is in all. */
    String total() {
        var total = kinds.values().stream().reduce(new Total(0, 0), Total::plus);
        return count(total.parameters) + " in " + total.tensors + " tensors";
    }

    @Override
    public String toString() {
        var table = new TextTable(List.of(
                Column.text("tensor (N: any number)"),
                Column.text("shape"),
                Column.text("type"),
                Column.number("times"),
                Column.number("parameters")));
        kinds.forEach((kind, total) ->
                table.row(kind.name, kind.shape.toString(), kind.dtype, count(total.tensors), count(total.parameters)));
        return table.toString();
    }
}
