package dev.espalier.cli;

import dev.espalier.evaluate.Metric;
import dev.espalier.train.ProgressListener;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.commons.lang3.StringUtils;

/** Shows how a run goes: a bar that is redrawn on a terminal, lines elsewhere. */
abstract sealed class Progress implements ProgressListener, AutoCloseable permits ProgressBarView, ProgressLog {
    private final PrintWriter err;
    private final String run;

    /** @param run whose name is before every line; empty where there is only one */
    Progress(PrintWriter err, String run) {
        this.err = err;
        this.run = run;
    }

    /** What fits where {@code err} goes. */
    static Progress on(PrintWriter err) {
        return Terminal.ERROR.present() ? new ProgressBarView(err) : new ProgressLog(err, "", System::nanoTime);
    }

    /** Of one of several runs at once: lines, which say whose they are. */
    static Progress of(String run, PrintWriter err) {
        return new ProgressLog(err, run, System::nanoTime);
    }

    @Override
    public void phase(String message) {
        line(StringUtils.capitalize(message));
    }

    @Override
    public void validation(Validation validation) {
        var metrics = validation.metrics().entrySet().stream()
                .map(metric -> Metric.label(metric.getKey()) + " " + fixed(metric.getValue(), 3))
                .collect(Collectors.joining(", "));
        line("step " + validation.step() + ", validation of " + validation.task() + ": " + metrics
                + (validation.best() ? " (the best so far)" : ""));
    }

    /** The numbers of a step that are worth a look. */
    static String numbers(Step step) {
        var score = step.metric().isPresent()
                ? "  validation " + fixed(step.metric().getAsDouble(), 3)
                : "";
        return "loss " + fixed(step.loss(), 3) + score + "  "
                + String.format(Locale.ROOT, "%,.0f", step.tokensPerSecond()) + " tokens/s";
    }

    void line(String text) {
        err.println(run.isEmpty() ? text : run + ": " + text);
        err.flush();
    }

    private static String fixed(double value, int decimals) {
        return String.format(Locale.ROOT, "%." + decimals + "f", value);
    }

    /** Nothing is shown any more. */
    @Override
    public void close() {}
}
