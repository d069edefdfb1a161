package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A classifier of first tokens, in a model with dropout, against the same one given all last hidden states. */
class FirstTokensTest {
    private static final TargetModules ALL = TargetModules.of("query", "key", "value", "dense");

    @TempDir
    private Path folder;

    static Stream<AdapterSpec> specs() {
        var sira = Mixtures.sira().with(m -> m.experts(4).topK(2).rank(2).auxiliaryCoefficient(.5));
        return Stream.of(
                LoraSpec.defaults(),
                LoraSpec.defaults().withTargets(ALL).withDropout(.3),
                sira,
                sira.with(m -> m.targets(ALL)));
    }

    @ParameterizedTest
    @MethodSource("specs")
    void lossAndGradientsAreThoseOfAllTokens(AdapterSpec spec) throws IOException {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var model = modelWithDropout();
                var expected = Fixtures.tensors("adapters/lora_cls/expected.safetensors");
                var adapter = Adapter.create("a", spec, model, RandomStream.of(1));
                var ofAll = new Gradients(adapter.parameters());
                var ofFirst = new Gradients(adapter.parameters())) {
            var head = model.addHead("", TaskKind.SINGLE_LABEL, 3, Pooling.DEFAULT, RandomStream.of(5));
            var batch = Batches.of(expected);
            TinyModel.scramble(adapter);
            double all = step(batch, ofAll, context -> {
                var hidden = model.hidden(batch, context);
                return head.loss(TaskKind.SINGLE_LABEL, hidden, batch, 1, context);
            });
            double first = step(batch, ofFirst, context -> model.loss(head, TaskKind.SINGLE_LABEL, batch, 1, context));
            assertThat(first).isCloseTo(all, within(1e-5));
            adapter.parameters().forEach(p -> assertClose(p.name(), ofFirst.of(p), ofAll.of(p), 1e-4, 1e-5));
            assertThat(ofAll.byName().values()).allMatch(g -> g.norm().item_double() > 0);
        }
    }

    private EncoderModel modelWithDropout() throws IOException {
        var source = Fixtures.path("models/bert_cls");
        Files.copy(source.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        var config = Files.readString(source.resolve("config.json"));
        var dropped = config.replaceAll("(\"\\w+_dropout_prob\": )0\\.0", "$10.3");
        assertThat(dropped).isNotEqualTo(config);
        Files.writeString(folder.resolve("config.json"), dropped);
        return AutoModel.encoder(folder, ScalarType.Float);
    }

    private static double step(Batch batch, Gradients gradients, Function<ForwardContext, Variable> function) {
        var training = new ForwardContext.Training(RandomStream.of(7), batch.exampleIds(), batch.rows());
        try (var scope = Scope.open();
                var context = ForwardContext.training(Tape.recording(gradients), batch.layout(), training)) {
            var loss = function.apply(context);
            context.tape().backward(loss);
            return loss.value().item_double() + context.auxiliaryLoss();
        }
    }
}
