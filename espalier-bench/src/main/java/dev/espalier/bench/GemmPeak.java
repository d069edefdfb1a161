package dev.espalier.bench;

import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gemm;
import dev.espalier.tensor.Scope;
import dev.espalier.train.Workers;
import java.util.Collections;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The fastest matrix product that this process reaches: squares of 512 to 2048, all cores, the best of many, either as
 * one product on all threads or as one product for each worker.
 */
final class GemmPeak {
    private static final int[] SIZES = {512, 1024, 2048};
    private static final double SECONDS_EACH = 1;

    private GemmPeak() {}

    /** FLOP/s, two for a multiply-add. */
    static double measure(ScalarType dtype) {
        double best = 0;
        for (int count : new int[] {1, Engine.threads()}) {
            try (var workers = new Workers(count)) {
                for (int size : SIZES) {
                    best = Math.max(best, product(workers, size, dtype));
                }
            }
        }
        return best;
    }

    private static double product(Workers workers, int size, ScalarType dtype) {
        var places = IntStream.range(0, workers.count()).boxed().toList();
        double flops = 2.0 * size * size * size * workers.count();
        int repeats = Math.max(1, 1024 / size);
        double best = 0;
        long end = System.nanoTime() + (long) (SECONDS_EACH * 1e9);
        do {
            var seconds = workers.map(places, (place, index) -> time(size, dtype, repeats));
            best = Math.max(best, flops * repeats / Collections.max(seconds));
        } while (System.nanoTime() < end);
        return best;
    }

    /** Seconds of {@code repeats} products on this thread by libtorch's own call or as the model multiplies, whichever takes less. */
    private static double time(int size, ScalarType dtype, int repeats) {
        try (var scope = Scope.open()) {
            long[] shape = {size, size};
            Tensor a = torch.ones(shape, Engine.options(dtype));
            Tensor b = torch.ones(shape, Engine.options(dtype));
            Tensor c = torch.empty(shape, Engine.options(dtype), null);
            double libtorch = time(() -> torch.mm_out(c, a, b), repeats);
            return Math.min(libtorch, time(() -> Gemm.product(a, b), repeats));
        }
    }

    private static double time(Runnable product, int repeats) {
        product.run();
        long start = System.nanoTime();
        for (int i = 0; i < repeats; i++) {
            try (var scope = Scope.open()) {
                product.run();
            }
        }
        return (System.nanoTime() - start) / 1e9;
    }
}
