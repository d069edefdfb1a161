package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.LoraSpec;
import dev.espalier.data.TaskData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
    @TempDir
    Path folder;

    private String model = "";

    @BeforeEach
    void makeModel() {
        model = "all-minilm-l6-v2";
    }

    private Training training(TaskData task, TrainingOptions options) {
        return Training.of(model)
                .task(task)
                .adapter(LoraSpec.defaults().withDropout(0.05))
                .options(options);
    }

    private static TrainingOptions.Builder options() {
        return TrainingOptions.builder()
                .batchSize(16)
                .learningRate(1e-2)
                .epochs(6)
                .maxTokens(24);
    }

    @Test
    void loraLearnsOneOfSevenLabels() {
        var losses = new Losses();
        var result =
                training(Snips.intent(), options().build()).listener(losses).run(folder.resolve("run"));
        assertThat(losses.last(8)).isLessThan(0.7 * losses.first(8));
    }

    /** Collects the loss of every step. */
    static final class Losses implements ProgressListener {
        final List<Double> losses = new ArrayList<>();

        @Override
        public void step(Step step) {
            losses.add(step.loss());
        }

        double first(int count) {
            return losses.stream().limit(count).mapToDouble(x -> x).average().orElseThrow();
        }

        double last(int count) {
            return losses.stream()
                    .skip(losses.size() - count)
                    .mapToDouble(x -> x)
                    .average()
                    .orElseThrow();
        }
    }
}
