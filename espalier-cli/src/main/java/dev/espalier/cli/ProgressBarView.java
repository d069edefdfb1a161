package dev.espalier.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Optional;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A bar at the bottom of the terminal; lines scroll by above it. */
final class ProgressBarView extends Progress {
    private static final String CLEAR_LINE = "\r\u001b[K";

    private @Nullable ProgressBar bar;
    private volatile double secondsLeft;

    ProgressBarView(PrintWriter err) {
        super(err, "");
    }

    @Override
    public void step(Step step) {
        secondsLeft = step.secondsLeft();
        var shown = bar;
        if (shown == null) {
            shown = new ProgressBarBuilder()
                    .setTaskName("training")
                    .setInitialMax(step.steps())
                    .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BAR)
                    .setUpdateIntervalMillis(250)
                    .setEtaFunction(state -> Optional.of(Duration.ofSeconds(Math.round(secondsLeft))))
                    // Not the default, which redraws lines that others have printed meanwhile.
                    .setConsumer(new ConsoleProgressBarConsumer(System.err))
                    .build();
            bar = shown;
        }
        shown.stepTo(step.step());
        shown.setExtraMessage(numbers(step));
        if (step.step() == step.steps()) {
            close();
        }
    }

    @Override
    void line(String text) {
        super.line(bar == null ? text : CLEAR_LINE + text);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
