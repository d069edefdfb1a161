package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.EncoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.TaskLoss;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** An adapter that PEFT saved, loaded here: the same numbers, and the same training. */
class LoraFixtureTest {
    private static final String FOLDER = "adapters/lora_cls";
    private static final int STEPS = 20;

    @Test
    void logitsLossAndGradientsArePefts() {
        try (var run = new Run()) {
            var logits = run.step(true);
            assertClose("logits", logits, run.expected.tensor("logits"), 1e-4, 2e-5);
            assertNear("loss", run.loss, Fixtures.doubles(run.expected.tensor("loss"))[0], 1e-4, 2e-5);
            run.stored.forEach((key, parameter) ->
                    assertClose(key, run.gradients.of(parameter), run.expected.tensor("grad." + key), 1e-3, 1e-6));
            assertThat(run.stored).hasSize(10);
            assertThat(run.adapter.trainedWeights() + 3 * 64 + 3).isEqualTo(2243);
        }
    }

    @Test
    void twentyStepsOfAdamWFollowPeftsCurve() {
        try (var run = new Run();
                var optimizer =
                        new AdamW(List.of(ParameterGroup.of(run.values(), .01)), new AdamW.Options(.9, .999, 1e-8))) {
            var losses = Fixtures.doubles(run.expected.tensor("curve_loss"));
            var norms = Fixtures.doubles(run.expected.tensor("curve_grad_norm"));
            for (int step = 0; step < STEPS; step++) {
                run.step(true);
                assertNear("loss of step " + step, run.loss, losses[step], 1e-4, 2e-5);
                assertNear("norm of step " + step, run.gradientNorm(), norms[step], 1e-4, 2e-5);
                optimizer.step(run.gradients.byName(), 1e-2);
            }
            var logits = run.step(false);
            assertNear("loss after all", run.loss, losses[STEPS], 1e-4, 2e-5);
            assertClose("logits after all", logits, run.expected.tensor("final_logits_last"), 1e-3, 1e-4);
            run.stored.forEach((key, parameter) ->
                    assertClose(key, parameter.value(), run.expected.tensor("final." + key), 1e-3, 1e-4));
        }
    }

    @Test
    void scaledProductAddedToTheWeightIsPeftsMergedWeight() {
        try (var run = new Run()) {
            int merged = 0;
            for (var entry : run.adapter.deltas().entrySet()) {
                var name = "merged." + entry.getKey() + ".weight";
                if (run.expected.names().contains(name)) {
                    var delta = (RankGatedDelta) entry.getValue();
                    var product = torch.mm(delta.b().value(), delta.a().value()).mul(new Scalar(delta.scaling()));
                    var linear = Objects.requireNonNull(run.model.linears().get(entry.getKey()));
                    var sum = linear.weight().value().add(product);
                    assertClose(name, sum, run.expected.tensor(name), 1e-5, 1e-6);
                    merged++;
                }
            }
            assertThat(merged).isEqualTo(2);
        }
    }

    private static void assertNear(String what, double actual, double expected, double rtol, double atol) {
        assertThat(Math.abs(actual - expected)).as(what).isLessThanOrEqualTo(atol + rtol * Math.abs(expected));
    }

    /** The model with the adapter, its batch and what training changes. */
    private static final class Run implements AutoCloseable {
        private final AutoCloseable guard = Engine.enter(1);
        private final Scope scope = Scope.open();
        private final TensorSource expected = Fixtures.tensors(FOLDER + "/expected.safetensors");
        private final EncoderModel model = AutoModel.encoder(Fixtures.path("models/bert_cls"), ScalarType.Float);
        private final Adapter adapter = AdapterFolder.load(Fixtures.path(FOLDER), model);
        private final Batch batch = Batches.of(expected);
        private final Map<String, Parameter> stored = stored();
        private final Gradients gradients = new Gradients(new ArrayList<>(stored.values()));
        private double loss;

        private Map<String, Parameter> stored() {
            var byName = new LinkedHashMap<String, Parameter>();
            adapter.parameters().forEach(p -> byName.put(p.name().replace(".default.", "."), p));
            model.parameters().values().stream().filter(Parameter::trainable).forEach(p -> byName.put(p.name(), p));
            var stored = new LinkedHashMap<String, Parameter>();
            try (var file = SafetensorsFile.open(Fixtures.path(FOLDER + "/adapter_model.safetensors"))) {
                file.names().forEach(key -> {
                    var name = key.substring("base_model.model.".length());
                    stored.put(key, Objects.requireNonNull(byName.remove(name), name));
                });
            }
            assertThat(byName).isEmpty();
            return stored;
        }

        Map<String, Tensor> values() {
            var values = new LinkedHashMap<String, Tensor>();
            stored.values().forEach(p -> values.put(p.name(), p.value()));
            return values;
        }

        /** Forward, and backward if asked; the logits. */
        Tensor step(boolean backward) {
            gradients.clear();
            var tape = backward ? Tape.recording(gradients) : Tape.inference();
            try (var context = ForwardContext.evaluation(tape, batch.layout())) {
                var head = Objects.requireNonNull(model.heads().get(""));
                var logits = model.logits(head, batch, context);
                var result = TaskLoss.of(TaskKind.SINGLE_LABEL, logits, batch, 1.0 / batch.labelCount(), context);
                loss = result.value().item_double();
                if (backward) {
                    tape.backward(result);
                }
                return logits.value();
            }
        }

        double gradientNorm() {
            double sum = 0;
            for (var gradient : gradients.byName().values()) {
                for (double g : Fixtures.doubles(gradient)) {
                    sum += g * g;
                }
            }
            return Math.sqrt(sum);
        }

        @Override
        public void close() {
            gradients.close();
            adapter.close();
            model.close();
            expected.close();
            scope.close();
            try {
                guard.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
