package dev.espalier.bench;

import dev.espalier.model.AttentionTable;
import dev.espalier.model.CausalAttention;
import dev.espalier.model.ForwardContext;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Forward and backward of one layer's causal attention, on one thread, with tiles of several sizes: 9 query heads of 64 on 3
 * of keys and values, as SmolLM2-135M has them, and 2048 tokens in as many rows as they fill.
 */
public final class AttentionBenchmark {
    private static final int[] LENGTHS = {32, 64, 128, 256, 512, 1024, 2048};
    private static final int[] TILES = {0, 32, 64, 128, 256, 512};
    private static final int LONGEST_MASK = 1024;
    private static final int TOKENS = 2048;
    private static final int LEAST = 5;
    private static final double SECONDS = 0.5;

    private AttentionBenchmark() {}

    /** How many measurements there are. */
    public static int count() {
        return 2
                * Arrays.stream(LENGTHS)
                        .map(length -> (int) tiles(length).count())
                        .sum();
    }

    /** A tile that is longer than a sequence is the whole of it; a mask of a long one would take too much memory. */
    private static IntStream tiles(int length) {
        return Arrays.stream(TILES).filter(tile -> tile == 0 ? length <= LONGEST_MASK : tile <= length);
    }

    /**
     * Measures all lengths and tiles, in fp32 and bf16.
     *
     * @param progress is told after each how many are done
     */
    public static AttentionTable run(IntConsumer progress) {
        var rows = new ArrayList<AttentionTable.Row>();
        for (var dtype : List.of("fp32", "bf16")) {
            for (int length : LENGTHS) {
                for (int tile : tiles(length).toArray()) {
                    double seconds = measure(dtype, length, tile);
                    rows.add(
                            new AttentionTable.Row(Engine.deviceName(), dtype, length, tile, Math.rint(seconds * 1e6)));
                    progress.accept(rows.size());
                }
            }
        }
        return new AttentionTable(rows);
    }

    @SuppressWarnings("try") // guard and scope work by being open
    private static double measure(String dtype, int length, int tile) {
        var config = Shape.SMOLLM2_135M.decoder();
        var layout = rows(length);
        try (var guard = Engine.enter(1);
                var scope = Scope.open()) {
            var attention = new CausalAttention("attention", 0, config, tile);
            long wide = (long) config.heads() * config.headDim();
            long narrow = (long) config.keyValueHeads() * config.headDim();
            var type = Engine.dtype(dtype);
            var q = random("q", wide).to(type);
            var k = random("k", narrow).to(type);
            var v = random("v", narrow).to(type);
            var dY = random("dY", wide).to(type);
            double best = Double.POSITIVE_INFINITY;
            long begin = System.nanoTime();
            for (int i = 0; i < LEAST || System.nanoTime() - begin < SECONDS * 1e9; i++) {
                long start = System.nanoTime();
                try (var pass = Scope.open();
                        var gradients = new Gradients(List.of());
                        var context = ForwardContext.evaluation(Tape.recording(gradients), layout)) {
                    var tape = context.tape();
                    var y = attention.forward(tape.input(q), tape.input(k), tape.input(v), context);
                    tape.backward(y, dY);
                }
                best = Math.min(best, (System.nanoTime() - start) / 1e9);
            }
            return best;
        }
    }

    private static Layout rows(int length) {
        var lengths = new int[TOKENS / length];
        Arrays.fill(lengths, length);
        return Layout.rightPadded(length, lengths);
    }

    private static Tensor random(String name, long features) {
        return Initialiser.normal(1, RandomStream.of(1).at(name), TOKENS, features);
    }
}
