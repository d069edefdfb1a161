package dev.espalier.train;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class WeightsLogTest {
    private static final Logger LOG = (Logger) LoggerFactory.getLogger(WeightsLog.class);

    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @TempDir
    Path folder;

    @BeforeEach
    void listen() {
        LOG.setLevel(Level.DEBUG);
        lines.start();
        LOG.addAppender(lines);
    }

    @AfterEach
    void leave() {
        LOG.detachAppender(lines);
        LOG.setLevel(null);
    }

    @Test
    void aNewHeadIsToldWhenTrainingStartsWithItAndNotWhenItIsLoaded() {
        var model = TinyModel.in(folder.resolve("model"));
        var training = Training.of(model)
                .task(Snips.intent())
                .adapter(LoraSpec.defaults())
                .options(TrainingOptions.builder()
                        .dtype("fp32")
                        .batchSize(15)
                        .maxSteps(1)
                        .build());

        training.run(folder.resolve("run"));

        assertThat(lines.list).singleElement().satisfies(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.WARN);
            assertThat(line.getFormattedMessage())
                    .contains(model)
                    .endsWith("so they start new: classifier.weight, classifier.bias.");
        });
        lines.list.clear();
        AdaptedModel.open(folder.resolve("run")).close();
        assertThat(lines.list).isEmpty();
    }

    @Test
    void whatNothingAskedForIsToldInOneLineAndBuffersAtDebugLevel() {
        var model = Path.of(TinyModel.in(folder.resolve("model")));
        addTo(
                model.resolve("model.safetensors"),
                "cls.predictions.bias",
                "cls.predictions.transform.dense.weight",
                "cls.predictions.transform.dense.bias",
                "cls.seq_relationship.weight",
                "cls.seq_relationship.bias",
                "qa_outputs.weight",
                "bert.embeddings.position_ids");

        AdaptedModel.create(Training.of(model.toString()).task(Snips.intent())).close();

        assertThat(lines.list).extracting(ILoggingEvent::getLevel).containsExactly(Level.DEBUG, Level.INFO);
        assertThat(lines.list.get(0).getFormattedMessage()).endsWith("not needed: bert.embeddings.position_ids.");
        assertThat(lines.list.get(1).getFormattedMessage()).contains("cls.").endsWith(" and 1 more.");
    }

    private static void addTo(Path file, String... names) {
        try (var scope = Scope.open();
                var source = SafetensorsFile.open(file)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            source.names().forEach(name -> tensors.put(name, source.tensor(name).clone()));
            for (var name : names) {
                tensors.put(name, torch.zeros(1));
            }
            Safetensors.write(file, tensors, Map.of("format", "pt"));
        }
    }
}
