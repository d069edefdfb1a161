package dev.espalier.train;

import dev.espalier.report.StepProfile;
import java.util.List;
import java.util.Optional;

/**
 * How a run ended.
 *
 * @param folder where everything is
 * @param method the adapter's method, such as {@code sira}
 * @param stopped whether it was stopped and can be resumed; there are no tests then
 * @param step optimizer steps that were done
 * @param steps of the whole run, had it not been stopped early
 * @param bestStep the step whose weights are in the adapter folder
 * @param trainedWeights numbers that were trained
 * @param trainedWeightsAdapter those of them that are not the heads'
 * @param seconds for all of it, stopped and resumed parts together
 * @param trainSeconds of the training steps alone
 * @param trainTokens tokens of the training steps, padding not counted
 * @param tokensPerSecond of the training steps
 * @param peakMemoryMb the most memory the process had, in 1,000,000 bytes
 * @param profile what steps spent their time and memory on, where that was measured
 * @param tests a result for each task that has a test split
 */
public record TrainingResult(
        RunFolder folder,
        String method,
        boolean stopped,
        int step,
        int steps,
        int bestStep,
        long trainedWeights,
        long trainedWeightsAdapter,
        double seconds,
        double trainSeconds,
        long trainTokens,
        double tokensPerSecond,
        double peakMemoryMb,
        Optional<StepProfile> profile,
        List<Evaluation> tests) {
    public TrainingResult {
        tests = List.copyOf(tests);
    }
}
