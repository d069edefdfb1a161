package dev.espalier.bench;

import dev.espalier.report.StepProfile;
import dev.espalier.tensor.Engine;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;

/**
 * What one combination gave, as the JSON file has it.
 *
 * @param tokensPerSecond of the median step
 * @param gemmPeakShare floating-point operations that the median step requires, per second, as a share of the peak
 * @param peakMemoryMb resident memory of the process at its largest, before the peak was measured
 * @param stepSeconds of the median step
 * @param fastestStepSeconds of the fastest step
 * @param slowestStepSeconds of the slowest step
 * @param gemmPeakGflops the peak, 10⁹ operations a second
 * @param gflopsPerStep what a step requires
 * @param flopsPerToken what a token of a step requires, by part
 * @param profile what steps spent their time and memory on, where that was measured
 */
public record BenchmarkResult(
        double tokensPerSecond,
        double gemmPeakShare,
        double peakMemoryMb,
        double stepSeconds,
        double fastestStepSeconds,
        double slowestStepSeconds,
        double gemmPeakGflops,
        double gflopsPerStep,
        Work flopsPerToken,
        String shape,
        String method,
        String dtype,
        int batch,
        int tokens,
        int steps,
        long trainedWeights,
        int threads,
        int workers,
        Map<String, String> versions,
        Optional<StepProfile> profile) {

    static BenchmarkResult of(
            StepBenchmark.Options options,
            int workers,
            long trainedWeights,
            double[] seconds,
            Work work,
            double memory,
            double peak,
            Optional<StepProfile> profile) {
        var sorted = seconds.clone();
        Arrays.sort(sorted);
        double median = sorted[sorted.length / 2];
        return new BenchmarkResult(
                options.batch() * options.tokens() / median,
                work.sum() / median / peak,
                memory,
                median,
                sorted[0],
                sorted[sorted.length - 1],
                peak / 1e9,
                work.sum() / 1e9,
                work.times(1.0 / (options.batch() * options.tokens())),
                options.shape().key(),
                options.spec().method(),
                options.dtype(),
                options.batch(),
                options.tokens(),
                options.steps(),
                trainedWeights,
                Engine.threads(),
                workers,
                libraryVersions(),
                profile);
    }

    private static Map<String, String> libraryVersions() {
        var versions = new LinkedHashMap<String, String>();
        versions.put("java", Runtime.version().toString());
        var libtorch = torch.class.getPackage().getImplementationVersion();
        versions.put("libtorch", libtorch == null ? "unknown" : libtorch);
        versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        return versions;
    }
}
