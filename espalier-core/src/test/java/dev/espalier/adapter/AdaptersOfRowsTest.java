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
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A batch whose rows use LoRA, DoRA, SiRA or no adapter: each row gets what it would get alone. */
class AdaptersOfRowsTest {
    private static final List<String> TRAINED = List.of("sira", "lora", "dora");

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

    /** In fp64, where rounding hides nothing: what is left is that sums are stored in fp32. */
    @ParameterizedTest
    @CsvSource({"false, sira, lora, dora", "true, sira, lora, dora", "false, ia3, vera, lora"})
    void gradientsOfAMixedStepAreThoseOfItsRows(boolean checkpointing, String first, String second, String third) {
        var rows = List.of(first, second, third);
        try (var resident = new Resident("llama", ScalarType.Double);
                var mixed = resident.gradients();
                var apart = resident.gradients()) {
            double loss = resident.train(resident.batch, rows, mixed, checkpointing);
            double sum = resident.trainApart(rows, apart, checkpointing);
            assertThat(Math.abs(loss - sum)).isLessThan(1e-6 * loss);
            assertAlike(mixed, apart, 1e-6);
            assertThat(mixed.byName().entrySet().stream()
                            .filter(e -> e.getValue().norm().item_double() == 0)
                            .map(Map.Entry::getKey))
                    .allMatch(unused -> rows.stream().noneMatch(row -> unused.matches(".*\\." + row + "(\\..*)?")));
        }
    }

    /**
     * How near fp32 comes: a random change of the adapters' weights changes these gradients by up to 40 times as much, in
     * relation to their norms, and every operation rounds by up to 2^-24. Up to 7e-6 was measured, whichever kernel takes
     * the products; the bound leaves other roundings a factor of 8.
     */
    @Test
    void gradientsOfAMixedStepInSinglePrecisionAreThoseOfDoublePrecision() {
        try (var twice = new Resident("llama", ScalarType.Double);
                var single = new Resident("llama", ScalarType.Float);
                var expected = twice.gradients();
                var mixed = single.gradients()) {
            double sum = twice.trainApart(TRAINED, expected, false);
            double loss = single.train(single.batch, TRAINED, mixed, false);
            assertThat(Math.abs(loss - sum)).isLessThan(1e-6 * sum);
            assertAlike(mixed, expected, 6e-5);
        }
    }

    /** Asserts that every sum differs by at most {@code bound} times the expected one, by their Euclidean norms. */
    private static void assertAlike(Gradients actual, Gradients expected, double bound) {
        var sums = actual.byName();
        expected.byName().forEach((name, sum) -> {
            double difference =
                    Objects.requireNonNull(sums.get(name)).sub(sum).norm().item_double();
            assertThat(difference)
                    .as(name)
                    .isLessThanOrEqualTo(bound * sum.norm().item_double());
        });
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
            this(name, ScalarType.Float);
        }

        Resident(String name, ScalarType dtype) {
            model = AutoModel.decoder(Fixtures.path("models/" + name), dtype);
            try (var expected = Fixtures.tensors("models/" + name + "/expected.safetensors")) {
                batch = Batches.of(expected);
            }
            var all = TargetModules.allLinear();
            var embedding = model.names().embeddings();
            add("lora", LoraSpec.defaults().withTargets(all).withDropout(.2));
            add("dora", LoraSpec.defaults().withTargets(all).withDropout(.2).withDora(true));
            // Scale 1: at the default of 16 these weights make router logits of 1000. A gate's relative error is a
            // logit's absolute one, so that fp32 would give gradients that are right to three digits only.
            add(
                    "sira",
                    Mixtures.sira().with(m -> m.targets(all).experts(4).topK(2).alpha(4)));
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

        /** Sums for the weights of all adapters. */
        Gradients gradients() {
            return new Gradients(adapters.stream()
                    .flatMap(adapter -> adapter.parameters().stream())
                    .filter(Parameter::trainable)
                    .toList());
        }

        /** Each row of the batch in a pass of its own. */
        double trainApart(List<String> rows, Gradients gradients, boolean checkpointing) {
            var parts = batch.split(rows.size());
            assertThat(parts).hasSize(rows.size());
            double loss = 0;
            for (int row = 0; row < rows.size(); row++) {
                loss += train(parts.get(row), List.of(rows.get(row)), gradients, checkpointing);
            }
            return loss;
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
