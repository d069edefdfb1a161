package dev.espalier.train;

import java.util.LinkedHashMap;
import java.util.Map;

/** Means over the steps since the last line of training metrics, and the speed of training. */
final class StepMeter {
    private static final double NANOS = 1e9;

    private double loss;
    private double auxiliaryLoss;
    private int steps;
    private long tokens;
    private long nanos;

    private long totalTokens;
    private long totalNanos;
    private long sessionNanos;
    private int sessionSteps;

    /** What a resumed run must know; times of steps since the last line are not part of it. */
    record State(double loss, double auxiliaryLoss, int steps, long totalTokens, double totalSeconds) {}

    State state() {
        return new State(loss, auxiliaryLoss, steps, totalTokens, totalNanos / NANOS);
    }

    void restore(State state) {
        loss = state.loss();
        auxiliaryLoss = state.auxiliaryLoss();
        steps = state.steps();
        totalTokens = state.totalTokens();
        totalNanos = (long) (state.totalSeconds() * NANOS);
    }

    void add(TrainingStep.Result result, long stepNanos) {
        loss += result.loss();
        auxiliaryLoss += result.auxiliaryLoss();
        steps++;
        tokens += result.tokens();
        nanos += stepNanos;
        totalTokens += result.tokens();
        totalNanos += stepNanos;
        sessionNanos += stepNanos;
        sessionSteps++;
    }

    /** Tokens a second since the last line. */
    double recentTokensPerSecond() {
        return tokens / (nanos / NANOS);
    }

    /** Tokens a second over all training steps, without validation. */
    double tokensPerSecond() {
        return totalTokens / (totalNanos / NANOS);
    }

    /** Tokens of all training steps, padding not counted. */
    long tokens() {
        return totalTokens;
    }

    /** Seconds of all training steps, without validation. */
    double seconds() {
        return totalNanos / NANOS;
    }

    /** How long {@code stepsLeft} will take, as this session's steps went. */
    double secondsFor(int stepsLeft) {
        return stepsLeft * (sessionNanos / NANOS / sessionSteps);
    }

    /** The line's values; begins a new window. */
    Map<String, Double> line(double epoch, double learningRate, double gradientNorm) {
        Map<String, Double> line = new LinkedHashMap<>();
        line.put("epoch", epoch);
        line.put("loss", loss / steps);
        if (auxiliaryLoss != 0) {
            line.put("auxiliary_loss", auxiliaryLoss / steps);
        }
        line.put("learning_rate", learningRate);
        line.put("grad_norm", gradientNorm);
        line.put("tokens_per_second", recentTokensPerSecond());
        loss = 0;
        auxiliaryLoss = 0;
        steps = 0;
        tokens = 0;
        nanos = 0;
        return line;
    }
}
