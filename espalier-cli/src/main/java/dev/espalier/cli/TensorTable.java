package dev.espalier.cli;

import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.checkpoint.TensorSource;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Tensors as a table in which layers that are alike are one line. */
final class TensorTable {
    /** Tensors whose names differ in numbers only, such as those of a stack's layers. */
    private record Kind(String name, String dtype, String shape) {}

    private final Map<Kind, Integer> kinds = new LinkedHashMap<>();
    private final Map<Kind, Long> parameters = new LinkedHashMap<>();

    /** The tensors of {@code source}, in its order. */
    TensorTable(TensorSource source) {
        for (var name : source.names()) {
            var info = source.info(name);
            var kind = new Kind(
                    folded(name),
                    dtype(info),
                    info.shape().toString());
            kinds.merge(kind, 1, Integer::sum);
            parameters.merge(kind, info.elements(), Long::sum);
        }
    }

    /** A path with N for every number in it. */
    static String folded(String path) {
        return path.replaceAll("(?<=^|\\.)\\d+(?=\\.|$)", "N");
    }

    /** The number of tensors. */
    int tensors() {
        return kinds.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** The number of values in all tensors. */
    long parameters() {
        return parameters.values().stream().mapToLong(Long::longValue).sum();
    }

    void print(PrintWriter out) {
        int names = width(kinds.keySet().stream().map(Kind::name), "Tensor (N: a layer's number)");
        int shapes = width(kinds.keySet().stream().map(Kind::shape), "Shape");
        int dtypes = width(kinds.keySet().stream().map(Kind::dtype), "Type");
        var format = "%-" + names + "s  %-" + shapes + "s  %-" + dtypes + "s  %6s  %15s%n";
        out.printf(format, "Tensor (N: a layer's number)", "Shape", "Type", "Times", "Parameters");
        kinds.forEach((kind, times) -> out.printf(
                format, kind.name, kind.shape, kind.dtype, "x " + times, count(parameters.getOrDefault(kind, 0L))));
    }

    /** A number with a comma at each thousand. */
    static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    private static int width(Stream<String> cells, String heading) {
        return Math.max(heading.length(), cells.mapToInt(String::length).max().orElse(0));
    }

    private static String dtype(TensorInfo info) {
        return info.dtype().toString().toLowerCase(Locale.ROOT);
    }
}
