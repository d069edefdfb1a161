package dev.espalier.bench;

import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.merge.Combination;
import dev.espalier.merge.LowRankApproximation;
import dev.espalier.merge.MergeMethod;
import dev.espalier.merge.MergeMethods;
import dev.espalier.merge.MergePlan;
import dev.espalier.merge.Merger;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import dev.espalier.train.PeakMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A merge of LoRA adapters with random factors: from their files, mapped, to a file with the merged factors. */
public final class MergeBenchmark {
    /** What Java's heap and the engine's workspaces may grow by while matrices come and go, in megabytes. */
    private static final double WORKSPACE = 64;

    private MergeBenchmark() {}

    /**
     * What is measured.
     *
     * @param allLinear adapters on all linears, else on query and value
     * @param rank of the adapters
     * @param mergedRank that the merged change is cut to; empty to merge only
     */
    public record Options(
            MergeShape shape, boolean allLinear, int adapters, int rank, OptionalInt mergedRank, MergeMethod method) {}

    /**
     * What was measured.
     *
     * @param seconds from open files to the written one
     * @param peakMegabytes of the process above what it had after a first small merge, mapped pages that were read included
     * @param boundMegabytes the adapters' files, eight matrices of the largest weight, the merged factors, and 64 MB for
     *     Java's heap and the engine's workspaces
     * @param relativeError of the cut, over all weights
     */
    public record Result(double seconds, double peakMegabytes, double boundMegabytes, double relativeError) {}

    /** Makes the adapters in a temporary folder and merges them. */
    @SuppressWarnings("try") // guard and scope work by being open
    public static Result run(Options options) {
        var shapes = options.shape.weights(options.allLinear);
        try {
            var folder = Files.createTempDirectory("espalier-merge");
            try (var guard = Engine.enter(Engine.threads());
                    var scope = Scope.open()) {
                var adapters = new ArrayList<GeneratedAdapter>();
                for (int i = 0; i < options.adapters; i++) {
                    adapters.add(GeneratedAdapter.write(folder, i, shapes, options.rank));
                }
                try {
                    return run(options, adapters, folder.resolve("merged.safetensors"));
                } finally {
                    adapters.forEach(GeneratedAdapter::close);
                }
            } finally {
                delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Result run(Options options, List<GeneratedAdapter> adapters, Path target) {
        warmUp(options, adapters);
        var memory = new PeakMemory();
        memory.start();
        double before = memory.sample();
        long start = System.nanoTime();
        double norm = 0;
        double error = 0;
        try (var merger = new Merger(adapters, MergePlan.of(options.method));
                var owner = new Owner()) {
            Map<String, LazyTensor> merged = new LinkedHashMap<>();
            for (var weight : merger.shapes().keySet()) {
                try (var scope = Scope.open()) {
                    var delta = merger.delta(weight);
                    if (options.mergedRank.isPresent()) {
                        var cut = LowRankApproximation.of(delta, options.mergedRank.getAsInt());
                        put(merged, weight + ".A", owner.own(cut.factors().a()));
                        put(merged, weight + ".B", owner.own(cut.factors().b()));
                        norm += cut.squaredNorm();
                        error += cut.squaredError();
                    }
                }
                memory.sample();
            }
            Safetensors.writeLazily(target, merged, Map.of());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        double peak = memory.megabytes() - before;
        return new Result(seconds, peak, bound(options), norm == 0 ? 0 : Math.sqrt(error / norm));
    }

    /** One weight of two adapters, so that classes are loaded and the engine has its workspaces. */
    private static void warmUp(Options options, List<GeneratedAdapter> adapters) {
        try (var scope = Scope.open();
                var merger = new Merger(
                        adapters.subList(0, Math.min(2, adapters.size())),
                        MergePlan.of(MergeMethods.of("average").withCombination(Combination.OVERLAP_MEAN)))) {
            var weight = merger.shapes().keySet().iterator().next();
            var delta = merger.delta(weight);
            options.mergedRank.ifPresent(rank -> LowRankApproximation.of(delta, rank));
        }
    }

    private static void put(Map<String, LazyTensor> tensors, String name, Tensor values) {
        var shape = List.of(values.size(0), values.size(1));
        tensors.put(name, new LazyTensor(new TensorInfo(ScalarType.Float, shape), () -> values));
    }

    private static double bound(Options options) {
        long factors = 0;
        long largest = 0;
        for (var shape : options.shape.weights(options.allLinear).values()) {
            factors += shape.get(0) + shape.get(1);
            largest = Math.max(largest, shape.get(0) * shape.get(1));
        }
        double numbers = (double) factors * options.rank * options.adapters
                + (double) factors * options.mergedRank.orElse(0)
                + 8.0 * largest;
        return WORKSPACE + numbers * Float.BYTES / 1e6;
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
