package dev.espalier.cli;

import dev.espalier.bench.Shape;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.Option;

/** Which model a benchmark measures. */
final class BenchShapeOptions {
    @Option(
            names = "--shape",
            paramLabel = "SHAPE",
            completionCandidates = Shapes.class,
            description = "Its sizes: ${COMPLETION-CANDIDATES}. Default minilm.")
    private String shape = Shape.MINILM.key();

    @Option(
            names = "--dtype",
            paramLabel = "DTYPE",
            completionCandidates = Dtypes.class,
            description = "Number type of the frozen weights: ${COMPLETION-CANDIDATES}. Default fp32.")
    private String dtype = "fp32";

    /** The shape's sizes. */
    Shape shape() {
        return Shape.of(shape);
    }

    String dtype() {
        return dtype;
    }

    static final class Shapes implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Shape.values()).map(Shape::key).iterator();
        }
    }

    static final class Dtypes implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return List.of("fp32", "bf16").iterator();
        }
    }
}
