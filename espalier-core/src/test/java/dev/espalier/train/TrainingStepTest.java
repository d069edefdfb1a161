package dev.espalier.train;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.data.Batch;
import dev.espalier.data.Batcher;
import dev.espalier.data.ExampleEncoder;
import dev.espalier.data.TaskData;
import dev.espalier.data.TaskKind;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Head;
import dev.espalier.model.LabelEmbeddings;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.text.TextTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
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
        // Both factors random, so that both have a gradient.
        var lora = LoraSpec.defaults().withDropout(0.1).withInitialisation(LoraSpec.Initialisation.RANDOM);
        assertSameHoweverCut(task, lora);
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void twoPassesThatAreToAgreeAreTheSameHoweverCutToo(TaskData task) {
        assertSameHoweverCut(task, Mixtures.of("adamix").with(m -> m.consistencyCoefficient(3)));
    }

    private void assertSameHoweverCut(TaskData task, AdapterSpec spec) {
        var folder = Path.of(TinyModel.in(this.folder.resolve("model")));
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var tokenizer = TextTokenizer.open(folder);
                var model = AutoModel.encoder(folder, ScalarType.Float)) {
            var head = head(model, task, tokenizer);
            try (var adapter = Adapter.create("default", spec, model, RandomStream.of(2))) {
                if (spec.consistency() > 0) {
                    randomise(adapter);
                }
                var trained = Stream.concat(adapter.parameters().stream(), AdaptedModel.trained(head))
                        .toList();
                var examples = new ExampleEncoder(0, task.labels(), tokenizer, 40).encode(task.train());
                var batch = new Batcher(List.of(Batcher.alone(examples)), Batcher.Shape.of(ROWS), 3, tokenizer.padId())
                        .batch(0, 0);
                var tasks = List.of(new StepTask(head, task.kind()));
                try (var whole = step(model, tasks, trained, new Workers(1), spec.consistency())) {
                    var result = whole.run(List.of(batch), RandomStream.of(4));
                    assertThat(result.auxiliaryLoss() > 0).isEqualTo(spec.consistency() > 0);
                    var expected = copies(whole, trained);
                    assertThat(expected.values())
                            .allSatisfy(g -> assertThat(g.norm().item_double()).isPositive());
                    for (int workers : new int[] {1, 2}) {
                        for (int rows : new int[] {4, 1}) {
                            var cut = batch.split(ROWS / rows);
                            try (var threads = new Workers(workers);
                                    var step = step(model, tasks, trained, threads, spec.consistency())) {
                                assertSame(step.run(cut, RandomStream.of(4)), step, result, expected);
                            }
                        }
                    }
                }
            }
        }
    }

    private static TrainingStep step(
            EncoderModel model, List<StepTask> tasks, List<Parameter> trained, Workers workers, double consistency) {
        return new TrainingStep(model, tasks, trained, workers, false, Optional.empty(), consistency);
    }

    private static void assertSame(
            TrainingStep.Result actual,
            TrainingStep step,
            TrainingStep.Result expected,
            Map<String, Tensor> gradients) {
        assertThat(actual.loss()).isCloseTo(expected.loss(), withinPercentage(1e-3));
        assertThat(actual.auxiliaryLoss()).isCloseTo(expected.auxiliaryLoss(), within(1e-5 * expected.auxiliaryLoss()));
        assertThat(actual.tokens()).isEqualTo(expected.tokens());
        gradients.forEach(
                (name, gradient) -> assertClose(name, step.gradients().byName().get(name), gradient, 1e-3, 1e-6));
    }

    private static void randomise(Adapter adapter) {
        adapter.parameters().forEach(p -> p.value()
                .copy_(Initialiser.normal(.1, RandomStream.of(5).at(p.name()), p.shape())));
    }

    @Test
    void theSecondPassDrawsAnewAndTheDivergenceOfBothIsAnAuxiliaryLoss() {
        var task = Snips.intent();
        try (var setting = new Setting(task, Mixtures.of("adamix").with(m -> m.consistencyCoefficient(3)))) {
            randomise(setting.adapter);
            var result = setting.run(3);
            var random = RandomStream.of(4);
            var first = setting.answers(random);
            var second = setting.answers(random.at("second pass"));
            double divergence = 0;
            double loss = 0;
            for (int row = 0; row < ROWS; row++) {
                for (int label = 0; label < task.outputs(); label++) {
                    double p = first[row * task.outputs() + label];
                    double q = second[row * task.outputs() + label];
                    divergence += .5 * (p * Math.log(p / q) + q * Math.log(q / p)) / ROWS;
                }
                loss -= Math.log(first[row * task.outputs() + setting.batch.labels()[row]]) / ROWS;
            }
            assertThat(divergence).isGreaterThan(1e-4);
            assertThat(result.auxiliaryLoss()).isCloseTo(3 * divergence, withinPercentage(.1));
            assertThat(result.loss()).isCloseTo(loss, withinPercentage(.1));
        }
    }

    @Test
    void withoutAnythingDrawnTwoPassesAreOne() {
        var one = Mixtures.of("adamix")
                .with(m -> m.experts(1).rank(8).alpha(16).dropout(0).consistencyCoefficient(3));
        var lora = LoraSpec.defaults().withDropout(0);
        try (var two = new Setting(Snips.intent(), one, Fixtures.path("models/bert_cls"));
                var single = new Setting(Snips.intent(), lora, Fixtures.path("models/bert_cls"))) {
            randomise(two.adapter);
            randomise(single.adapter);
            var result = two.run(3);
            assertThat(result.auxiliaryLoss()).isZero();
            assertThat(result.loss()).isEqualTo(single.run(0).loss());
            for (int i = 0; i < two.trained.size(); i++) {
                var gradient = two.gradients.get(i);
                assertThat(Fixtures.doubles(gradient))
                        .as(two.trained.get(i).name())
                        .isEqualTo(Fixtures.doubles(single.gradients.get(i)));
            }
        }
    }

    /** A small encoder with an adapter, a task's head and a batch of it. */
    private final class Setting implements AutoCloseable {
        final NoGradGuard guard = Engine.enter(1);
        final Scope scope = Scope.open();
        final EncoderModel model;
        final Head head;
        final Adapter adapter;
        final Batch batch;
        final List<Parameter> trained;
        final List<Tensor> gradients = new ArrayList<>();
        private final TaskData task;

        Setting(TaskData task, AdapterSpec spec) {
            this(task, spec, Path.of(TinyModel.in(folder.resolve("model"))));
        }

        /** With the tokenizer of {@link TinyModel} in any case. */
        Setting(TaskData task, AdapterSpec spec, Path weights) {
            this.task = task;
            var names = folder.resolve("tokenizer of " + spec.method());
            TinyModel.in(names);
            model = AutoModel.encoder(weights, ScalarType.Float);
            head = model.addHead("", task.kind(), task.outputs(), Pooling.DEFAULT, RandomStream.of(1));
            adapter = Adapter.create("default", spec, model, RandomStream.of(2));
            trained = Stream.concat(adapter.parameters().stream(), AdaptedModel.trained(head))
                    .toList();
            try (var tokenizer = TextTokenizer.open(names)) {
                var examples = new ExampleEncoder(0, task.labels(), tokenizer, 40).encode(task.train());
                batch = new Batcher(List.of(Batcher.alone(examples)), Batcher.Shape.of(ROWS), 3, tokenizer.padId())
                        .batch(0, 0);
            }
        }

        TrainingStep.Result run(double consistency) {
            try (var workers = new Workers(1);
                    var step = step(model, List.of(new StepTask(head, task.kind())), trained, workers, consistency)) {
                var result = step.run(List.of(batch), RandomStream.of(4));
                trained.forEach(p -> gradients.add(step.gradients().of(p).clone()));
                return result;
            }
        }

        /** The probabilities of a training pass. */
        double[] answers(RandomStream random) {
            var training = new ForwardContext.Training(random, batch.exampleIds(), ROWS);
            try (var context = ForwardContext.training(Tape.inference(), batch.layout(), training)) {
                return Fixtures.doubles(
                        torch.softmax(model.logits(head, batch, context).value(), 1));
            }
        }

        @Override
        public void close() {
            adapter.close();
            model.close();
            scope.close();
            guard.close();
        }
    }

    private static Map<String, Tensor> copies(TrainingStep step, List<Parameter> trained) {
        Map<String, Tensor> copies = new LinkedHashMap<>();
        trained.forEach(p -> copies.put(p.name(), step.gradients().of(p).clone()));
        return copies;
    }
}
