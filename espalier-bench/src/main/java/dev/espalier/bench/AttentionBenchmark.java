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
import dev.espalier.train.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Forward and backward of one layer's causal attention with tiles of several sizes, in all workers side by side as training
 * runs it: 9 query heads of 64 on 3 of keys and values, as SmolLM2-135M has them, and 1024 tokens for each worker in as many
 * rows as they fill, or one row.
 */
public final class AttentionBenchmark {
    private static final int[] LENGTHS = {32, 64, 128, 256, 512, 1024, 2048};
    private static final int[] TILES = {0, 32, 64, 128, 256, 512};
    private static final int LONGEST_MASK = 1024;
    private static final int TOKENS = 1024;
    private static final int LEAST = 5;
    private static final double SECONDS = 0.5;

    private AttentionBenchmark() {}

    /** How many measurements there are. */
    public static int count() {
        return 2
                * Arrays.stream(LENGTHS)
                        .map(length -> (int) (tiles(length, false).count()
                                + tiles(length, true).count()))
                        .sum();
    }

    /** A tile that is longer than a sequence is the whole of it; a mask of a long one would take too much memory. */
    private static IntStream tiles(int length, boolean packed) {
        return Arrays.stream(TILES)
                .filter(tile -> tile == 0 ? length <= LONGEST_MASK && !packed : tile <= length)
                .filter(tile -> !packed || length < TOKENS);
    }

    /**
     * Measures all lengths and tiles, in fp32 and bf16.
     *
     * @param progress is told after each how many are done
     */
    public static AttentionTable run(IntConsumer progress) {
        var rows = new ArrayList<AttentionTable.Row>();
        try (var workers = new Workers(0)) {
            for (var dtype : List.of("fp32", "bf16")) {
                for (int length : LENGTHS) {
                    for (boolean packed : List.of(false, true)) {
                        for (int tile : tiles(length, packed).toArray()) {
                            double micros = Math.rint(1e6 * measure(workers, dtype, layout(length, packed), tile));
                            rows.add(new AttentionTable.Row(Engine.deviceName(), dtype, length, packed, tile, micros));
                            progress.accept(rows.size());
                        }
                    }
                }
            }
        }
        return new AttentionTable(rows);
    }

    /** Seconds of the best round, in which every worker takes a pass. */
    private static double measure(Workers workers, String dtype, Layout layout, int tile) {
        var places = IntStream.range(0, workers.count()).boxed().toList();
        double best = Double.POSITIVE_INFINITY;
        long begin = System.nanoTime();
        for (int i = 0; i < LEAST || System.nanoTime() - begin < SECONDS * 1e9; i++) {
            var seconds = workers.map(places, (place, index) -> pass(dtype, layout, tile));
            best = Math.min(best, Collections.max(seconds));
        }
        return best;
    }

    private static double pass(String dtype, Layout layout, int tile) {
        var config = Shape.SMOLLM2_135M.decoder();
        var attention = new CausalAttention("attention", 0, config, tile);
        long wide = (long) config.heads() * config.headDim();
        long narrow = (long) config.keyValueHeads() * config.headDim();
        var type = Engine.dtype(dtype);
        int tokens = layout.rows() * layout.tokens();
        try (var scope = Scope.open();
                var gradients = new Gradients(List.of());
                var context = ForwardContext.evaluation(Tape.recording(gradients), layout)) {
            var tape = context.tape();
            var q = tape.input(random("q", tokens, wide).to(type));
            var k = tape.input(random("k", tokens, narrow).to(type));
            var v = tape.input(random("v", tokens, narrow).to(type));
            var dY = random("dY", tokens, wide).to(type);
            long start = System.nanoTime();
            tape.backward(attention.forward(q, k, v, context), dY);
            return (System.nanoTime() - start) / 1e9;
        }
    }

    private static Layout layout(int length, boolean packed) {
        var lengths = new int[Math.max(1, TOKENS / length)];
        Arrays.fill(lengths, length);
        return packed ? Layout.joined(lengths) : Layout.rightPadded(length, lengths);
    }

    private static Tensor random(String name, int tokens, long features) {
        return Initialiser.normal(1, RandomStream.of(1).at(name), tokens, features);
    }
}
