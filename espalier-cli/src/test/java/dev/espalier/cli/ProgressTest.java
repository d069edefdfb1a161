package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.train.ProgressListener.Step;
import dev.espalier.train.ProgressListener.Validation;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final StringWriter err = new StringWriter();
    private final AtomicLong now = new AtomicLong();
    private final Progress log = new ProgressLog(new PrintWriter(err), "", now::get);

    @Test
    void withoutATerminalALineComesEveryTenSecondsAndForTheLastStep() {
        for (int step = 1; step <= 12; step++) {
            log.step(new Step(step, 12, 1.0 / step, OptionalDouble.empty(), 8123.4, 2.0 * (12 - step)));
            now.addAndGet(2_000_000_000L);
        }

        assertThat(err.toString().lines())
                .containsExactly(
                        "step 1 of 12  loss 1.000  8,123 tokens/s  22 s left",
                        "step 6 of 12  loss 0.167  8,123 tokens/s  12 s left",
                        "step 11 of 12  loss 0.091  8,123 tokens/s  2 s left",
                        "step 12 of 12  loss 0.083  8,123 tokens/s  0 s left");
    }

    @Test
    void theLastValidationStandsBesideTheLoss() {
        log.step(new Step(1, 2, 0.5, OptionalDouble.of(0.75), 10, 1));

        assertThat(err.toString()).contains("loss 0.500  validation 0.750  10 tokens/s");
    }

    @Test
    void aValidationSaysWhetherItIsTheBest() {
        log.validation(new Validation(50, "topic", Map.of("macro_f1", 0.5), true));
        log.validation(new Validation(60, "topic", Map.of("macro_f1", 0.25), false));

        assertThat(err.toString().lines())
                .containsExactly(
                        "step 50, validation of topic: macro F1 0.500 (the best so far)",
                        "step 60, validation of topic: macro F1 0.250");
    }
}
