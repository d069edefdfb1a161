package dev.espalier.train;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.ExampleEncoder;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.Head;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.text.TextTokenizer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TrainingStepTest {
    private static final int ROWS = 8;

    @TempDir
    Path folder;

    static Stream<TaskData> tasks() {
        return Stream.of(
                Snips.intent(), Snips.described(), Snips.offered(), Snips.traits(), Snips.length(), Snips.longWords());
    }

    /** Labels that are described are told by their texts. */
    private static Head head(EncoderModel model, TaskData task, TextTokenizer tokenizer) {
        var texts = task.labels().names().stream()
                .map(task.labelDescriptions()::get)
                .filter(Objects::nonNull)
                .map(text -> tokenizer.encode(text, 40).ids())
                .toList();
        return texts.isEmpty() && task.kind() != TaskKind.CHOICE
                ? model.addHead("", task.kind(), task.outputs(), Pooling.DEFAULT, RandomStream.of(1))
                : model.addLabelEmbeddings("", Pooling.DEFAULT, LabelEmbeddings.DEFAULT, texts, tokenizer.padId());
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void aBatchGivesTheSameGradientsHoweverItIsCut(TaskData task) {
        var folder = Path.of(TinyModel.in(this.folder.resolve("model")));
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var tokenizer = TextTokenizer.open(folder);
                var model = AutoModel.encoder(folder, ScalarType.Float)) {
            var head = head(model, task, tokenizer);
            // Both factors random, so that both have a gradient.
            var spec = LoraSpec.defaults().withDropout(0.1).withInitialisation(LoraSpec.Initialisation.RANDOM);
            try (var adapter = Adapter.create("default", spec, model, RandomStream.of(2))) {
                var trained = Stream.concat(adapter.parameters().stream(), AdaptedModel.trained(head))
                        .toList();
                var examples = new ExampleEncoder(0, task.labels(), tokenizer, 40).encode(task.train());
                var batch = new Batcher(List.of(examples), ROWS, 3, tokenizer.padId()).batch(0, 0);
                var tasks = List.of(new StepTask(head, task.kind()));
                try (var whole = new TrainingStep(model, tasks, trained, new Workers(1))) {
                    double loss = whole.run(List.of(batch), RandomStream.of(4)).loss();
                    var expected = copies(whole, trained);
                    assertThat(expected.values())
                            .allSatisfy(g -> assertThat(g.norm().item_double()).isPositive());
                    for (int workers : new int[] {1, 2}) {
                        for (int rows : new int[] {4, 1}) {
                            assertSame(model, tasks, trained, batch.split(ROWS / rows), workers, loss, expected);
                        }
                    }
                }
            }
        }
    }

    private static void assertSame(
            EncoderModel model,
            List<StepTask> tasks,
            List<Parameter> trained,
            List<Batch> microBatches,
            int count,
            double loss,
            Map<String, Tensor> expected) {
        try (var workers = new Workers(count);
                var step = new TrainingStep(model, tasks, trained, workers)) {
            var result = step.run(microBatches, RandomStream.of(4));
            assertThat(Math.abs(result.loss() - loss)).isLessThan(1e-5 * loss);
            expected.forEach((name, gradient) ->
                    assertClose(name, step.gradients().byName().get(name), gradient, 1e-3, 1e-6));
        }
    }

    private static Map<String, Tensor> copies(TrainingStep step, List<Parameter> trained) {
        Map<String, Tensor> copies = new LinkedHashMap<>();
        trained.forEach(p -> copies.put(p.name(), step.gradients().of(p).clone()));
        return copies;
    }
}
