package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.data.TaskData;
import dev.espalier.evaluate.Metric;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The real MiniLM learns real sentences, whatever is asked of it. */
class LearningTest {
    private static final TrainingOptions OPTIONS = TrainingOptions.builder()
            .dtype("fp32")
            .batchSize(16)
            .learningRate(5e-3)
            .epochs(4)
            .build();

    @TempDir
    Path folder;

    static Stream<Arguments> tasks() {
        return Stream.of(
                Arguments.of(Snips.intent(), LoraSpec.defaults(), Metric.ACCURACY, 0.6),
                Arguments.of(Snips.intent(), Mixtures.sira(), Metric.ACCURACY, 0.6),
                Arguments.of(Snips.traits(), LoraSpec.defaults(), Metric.MICRO_F1, 0.6),
                Arguments.of(Snips.length(), LoraSpec.defaults(), Metric.PEARSON, 0.4),
                Arguments.of(Snips.longWords(), LoraSpec.defaults(), Metric.ACCURACY, 0.7));
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void lossFallsAndUnseenSentencesAreAnswered(TaskData task, AdapterSpec adapter, Metric metric, double least) {
        var losses = new Losses();
        var result = training(task, adapter).listener(losses).run(folder.resolve("run"));
        assertThat(losses.last(8)).isLessThan(0.6 * losses.first(8));
        assertThat(result.tests()).hasSize(1);
        assertThat(result.tests().get(0).examples()).isEqualTo(40);
        assertThat(result.tests().get(0).value(metric)).isGreaterThan(least);
    }

    @Test
    void aFrozenModelInHalfPrecisionLearnsAsWell() {
        var losses = new Losses();
        var result = training(Snips.intent(), LoraSpec.defaults())
                .options(OPTIONS.toBuilder().dtype("bf16").build())
                .listener(losses)
                .run(folder.resolve("run"));
        assertThat(losses.last(8)).isLessThan(0.6 * losses.first(8));
        assertThat(result.tests().get(0).value(Metric.ACCURACY)).isGreaterThan(0.6);
    }

    @Test
    void severalTasksShareAnAdapterAndHaveAHeadEach() {
        var losses = new Losses();
        var result = training(Snips.intent(), LoraSpec.defaults())
                .task(Snips.length())
                .task(Snips.longWords())
                .listener(losses)
                .run(folder.resolve("run"));
        assertThat(losses.last(12)).isLessThan(0.6 * losses.first(12));
        assertThat(result.tests()).extracting(Evaluation::task).containsExactly("intent", "length", "long-words");
        assertThat(result.tests().get(0).value(Metric.ACCURACY)).isGreaterThan(0.6);
    }

    private static Training training(TaskData task, AdapterSpec adapter) {
        return Training.of("all-minilm-l6-v2").task(task).adapter(adapter).options(OPTIONS);
    }
}
