package dev.espalier.bench;

import dev.espalier.kernel.SparseMatrix;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gemm;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The ways to multiply with a sparse change of one square weight, fp32, on one thread: the sum of weight and change in one
 * product, or blocks apart; the gradient of the kept entries out of that of all, or block by block. A sparse adapter takes
 * those that were faster.
 */
public final class SparseBenchmark {
    private static final int LEAST = 5;
    private static final double SECONDS = 0.2;

    private SparseBenchmark() {}

    /**
     * Times of one shape, the shortest of several each, in seconds.
     *
     * @param width of the square weight
     * @param block the side of a block; 1 for single entries
     * @param frozen the frozen weight's own product
     * @param sum the product with the sum of weight and change, the sum's making included
     * @param apart the product with the blocks beside the frozen weight's; NaN for single entries
     * @param gathered the gradient of all entries, and the kept ones out of it
     * @param batched the gradient block by block; NaN for single entries
     */
    public record Row(
            int width,
            int tokens,
            double keepRatio,
            int block,
            double frozen,
            double sum,
            double apart,
            double gathered,
            double batched) {}

    /** Measures encoders' widths with the tokens of a worker, at several shares and blocks. */
    public static List<Row> run() {
        var rows = new ArrayList<Row>();
        for (int width : new int[] {384, 768}) {
            for (double ratio : new double[] {.01, .1, .5}) {
                for (int block : new int[] {1, 8, 16, 32}) {
                    rows.add(measure(width, 512, ratio, block));
                }
            }
        }
        return rows;
    }

    @SuppressWarnings("try") // guard and scope work by being open
    static Row measure(int width, int tokens, double ratio, int block) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var weight = random("weight", width, width);
            var x = random("x", tokens, width);
            var dY = random("dY", tokens, width);
            var scratch = torch.empty_like(weight);
            var s = matrix(width, ratio, block);
            boolean blocks = block > 1;
            return new Row(
                    width,
                    tokens,
                    ratio,
                    block,
                    seconds(() -> Gemm.linear(x, weight, null)),
                    seconds(() -> {
                        scratch.copy_(weight);
                        s.addTo(scratch);
                        Gemm.linear(x, scratch, null);
                    }),
                    blocks ? seconds(() -> s.addProduct(Gemm.linear(x, weight, null), x)) : Double.NaN,
                    seconds(() -> s.entriesOf(Gemm.product(dY.t(), x))),
                    blocks ? seconds(() -> s.gradientByBlocks(dY, x)) : Double.NaN);
        }
    }

    private static SparseMatrix matrix(int width, double ratio, int block) {
        long units = SparseMatrix.units(width, width, block);
        long kept = Math.max(1, (long) (ratio * units));
        var order = random("units", units).argsort().narrow(0, 0, kept).sort().get0();
        var values = block > 1 ? random("values", kept, block, block) : random("values", kept);
        return new SparseMatrix(width, width, block, order.to(ScalarType.Int), values);
    }

    private static Tensor random(String name, long... shape) {
        return Initialiser.normal(1, RandomStream.of(1).at(name), shape);
    }

    private static double seconds(Runnable work) {
        double best = Double.POSITIVE_INFINITY;
        long begin = System.nanoTime();
        for (int i = 0; i < LEAST || System.nanoTime() - begin < SECONDS * 1e9; i++) {
            try (var scope = Scope.open()) {
                long start = System.nanoTime();
                work.run();
                best = Math.min(best, (System.nanoTime() - start) / 1e9);
            }
        }
        return best;
    }
}
