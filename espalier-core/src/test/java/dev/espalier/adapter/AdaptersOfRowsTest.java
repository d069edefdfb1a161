package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A batch whose rows use LoRA, DoRA, SiRA or no adapter: each row gets what it would get alone. */
class AdaptersOfRowsTest {
    @ParameterizedTest
    @CsvSource({
        "llama, lora, dora, sira",
        "llama, bare, embedding, bare",
        "qwen3, sira, bare, dora",
        "llama, ia3, bare, vera",
        "gpt2, lora, ia3, bare",
        "gpt2, dora, sira, lora",
        "gpt2, bare, lora, lora"
    })
    void everyRowGetsWhatItWouldGetAlone(String name, String first, String second, String third) {
        try (var resident = new Resident(name)) {
            var rows = List.of(first, second, third);
            var mixed = resident.logits(resident.batch, rows);
            for (int row = 0; row < rows.size(); row++) {
                var alone = resident.alone(rows.get(row), row);
                var segment = resident.batch.layout().segments().get(row);
                long from = resident.batch.layout().first(segment);
                assertClose(
                        "row " + row + " with " + rows.get(row),
                        mixed.narrow(0, from, segment.length()),
                        alone.narrow(0, 0, segment.length()),
                        1e-4,
                        2e-5);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"false, sira, lora, dora", "true, sira, lora, dora", "false, ia3, vera, lora"})
    void gradientsOfAMixedStepAreThoseOfItsRows(boolean checkpointing, String first, String second, String third) {
        try (var resident = new Resident("llama")) {
            var rows = List.of(first, second, third);
            var trained = resident.adapters.stream()
                    .flatMap(adapter -> adapter.parameters().stream())
                    .filter(Parameter::trainable)
                    .toList();
            try (var mixed = new Gradients(trained);
                    var apart = new Gradients(trained)) {
                double loss = resident.train(resident.batch, rows, mixed, checkpointing);
                double sum = 0;
                var parts = resident.batch.split(3);
                assertThat(parts).hasSize(3);
                for (int row = 0; row < 3; row++) {
                    sum += resident.train(parts.get(row), List.of(rows.get(row)), apart, checkpointing);
                }
                assertThat(Math.abs(loss - sum)).isLessThan(1e-4);
                for (var p : trained) {
                    double difference = mixed.of(p).sub(apart.of(p)).norm().item_double();
                    assertThat(difference)
                            .as(p.name())
                            .isLessThanOrEqualTo(1e-4 * apart.of(p).norm().item_double());
                }
                assertThat(trained.stream()
                                .filter(p -> mixed.of(p).norm().item_double() == 0)
                                .map(Parameter::name))
                        .allMatch(unused -> rows.stream().noneMatch(row -> unused.matches(".*\\." + row + "(\\..*)?")));
            }
        }
    }

    @Test
    void anAdapterForEachSequenceMustBeGiven() {
        try (var resident = new Resident("llama")) {
            assertThatThrownBy(() -> resident.logits(resident.batch, List.of("lora")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1 adapters for 3 sequences");
        }
    }

    /** A decoder with all adapters resident and enabled. */
    private static final class Resident implements AutoCloseable {
        private final NoGradGuard guard = Engine.enter(1);
        private final Scope scope = Scope.open();
        private final DecoderModel model;
        private final Batch batch;
        private final List<Adapter> adapters = new ArrayList<>();

        Resident(String name) {
            model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float);
            try (var expected = Fixtures.tensors("models/" + name + "/expected.safetensors")) {
                batch = Batches.of(expected);
            }
            var all = TargetModules.allLinear();
            var embedding = model.names().embeddings();
            add("lora", LoraSpec.defaults().withTargets(all).withDropout(.2));
            add("dora", LoraSpec.defaults().withTargets(all).withDropout(.2).withDora(true));
            add("sira", Mixtures.sira().with(m -> m.targets(all).experts(4).topK(2)));
            add("ia3", Ia3Spec.defaults());
            add("vera", VeraSpec.defaults().withTargets(all).withRank(4));
            add("embedding", LoraSpec.defaults().withTargets(TargetModules.of(embedding)));
        }

        private void add(String name, AdapterSpec spec) {
            var adapter = Adapter.create(name, spec, model, RandomStream.of(3));
            TinyModel.scramble(adapter);
            adapters.add(adapter);
        }

        private static List<Optional<String>> names(List<String> rows) {
            return rows.stream()
                    .map(row -> Optional.of(row).filter(name -> !name.equals("bare")))
                    .toList();
        }

        Tensor logits(Batch batch, List<String> rows) {
            try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
                context.adapters(names(rows));
                return model.logits(model.lmHead(), batch, context).value();
            }
        }

        /** The logits of one row by itself with one adapter, or none, on the model. */
        Tensor alone(String name, int row) {
            adapters.forEach(adapter -> {
                if (!adapter.name().equals(name)) {
                    adapter.disable();
                }
            });
            var part = batch.split(3).get(row);
            try (var context = ForwardContext.evaluation(Tape.inference(), part.layout())) {
                return model.logits(model.lmHead(), part, context).value();
            } finally {
                adapters.forEach(Adapter::enable);
            }
        }

        double train(Batch part, List<String> rows, Gradients gradients, boolean checkpointing) {
            var training = new ForwardContext.Training(RandomStream.of(7), part.exampleIds(), 3);
            try (var pass = Scope.open();
                    var context = ForwardContext.training(Tape.recording(gradients), part.layout(), training)
                            .adapters(names(rows))
                            .checkpointing(checkpointing)) {
                var loss = model.loss(model.lmHead(), TaskKind.CAUSAL_LM, part, .1, context);
                context.tape().backward(loss);
                return loss.value().item_double() + context.auxiliaryLoss();
            }
        }

        @Override
        public void close() {
            adapters.forEach(Adapter::close);
            model.close();
            scope.close();
            guard.close();
        }
    }
}
