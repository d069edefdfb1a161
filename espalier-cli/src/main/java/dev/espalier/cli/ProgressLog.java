package dev.espalier.cli;

import java.io.PrintWriter;
import java.util.function.LongSupplier;

/** A line every ten seconds, and for the last step. */
final class ProgressLog extends Progress {
    private static final long INTERVAL = 10_000_000_000L;

    private final LongSupplier nanoTime;
    private long last;

    ProgressLog(PrintWriter err, String run, LongSupplier nanoTime) {
        super(err, run);
        this.nanoTime = nanoTime;
        this.last = nanoTime.getAsLong() - INTERVAL;
    }

    @Override
    public void step(Step step) {
        long now = nanoTime.getAsLong();
        if (now - last >= INTERVAL || step.step() == step.steps()) {
            last = now;
            line("step " + step.step() + " of " + step.steps() + "  " + numbers(step) + "  "
                    + Math.round(step.secondsLeft()) + " s left");
        }
    }
}
