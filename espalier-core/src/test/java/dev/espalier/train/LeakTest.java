package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Native memory does not grow with steps. */
class LeakTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            classes = {LeakProcess.class, DecoderLeakProcess.class, SparseLeakProcess.class, PrefixLeakProcess.class})
    void threeHundredStepsLeaveAsManyNativeObjectsAndAsMuchMemory(Class<?> process)
            throws IOException, InterruptedException {
        // Native objects and resident bytes, after warm-up and at the end.
        var measured = MeasuredProcess.run(process, folder.toString());
        assertThat(measured).hasSize(2);
        assertThat(measured.get(1)[0]).as("native objects").isEqualTo(measured.get(0)[0]);
        double before = measured.get(0)[1];
        assertThat(measured.get(1)[1]).as("resident bytes").isCloseTo(before, within(0.02 * before));
    }
}
