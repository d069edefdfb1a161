package dev.espalier.bench;

import dev.espalier.merge.MergeMethods;
import dev.espalier.tensor.Engine;
import java.util.OptionalInt;

/** Merges twenty adapters in a process of its own and prints its peak memory and the bound. */
final class MergeMemoryProcess {
    private MergeMemoryProcess() {}

    public static void main(String[] args) {
        Engine.load();
        var result = MergeBenchmark.run(new MergeBenchmark.Options(
                MergeShape.BERT_BASE, false, 20, 16, OptionalInt.of(16), MergeMethods.of("ties")));
        System.out.println("MEASURED " + result.peakMegabytes() + " " + result.boundMegabytes());
    }
}
