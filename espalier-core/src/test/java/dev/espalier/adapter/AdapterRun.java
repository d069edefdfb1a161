package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.model.CausalLmHead;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Head;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.optim.AdamW;
import dev.espalier.optim.ParameterGroup;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.IntConsumer;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.JsonNode;

/** A fixture's base model with its adapter, its batch and what training changes. */
final class AdapterRun implements AutoCloseable {
    private static final int STEPS = 20;

    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();
    private final Path folder;
    private final JsonNode notes;
    private final TensorSource expected;
    private final LanguageModel model;
    private final Adapter adapter;
    private final Batch batch;
    private final Map<String, Parameter> stored;
    private final Gradients gradients;
    private WeightPenalty penalty = sink -> 0;

    /** The fixture {@code adapters/NAME} in fp32. */
    AdapterRun(String name) {
        this(name, ScalarType.Float);
    }

    /** @param dtype of the model and of all products; what trains is fp32 */
    AdapterRun(String name, ScalarType dtype) {
        this(name, dtype, Fixtures.path("adapters/" + name), AdapterFolder::load);
    }

    /**
     * @param folder with the weights as PEFT stored them
     * @param load makes the adapter of them
     */
    AdapterRun(String name, Path folder, BiFunction<Path, LanguageModel, Adapter> load) {
        this(name, ScalarType.Float, folder, load);
    }

    private AdapterRun(String name, ScalarType dtype, Path folder, BiFunction<Path, LanguageModel, Adapter> load) {
        this.folder = folder;
        notes = Json.read(Fixtures.path("adapters/" + name).resolve("notes.json"));
        expected = Fixtures.tensors("adapters/" + name + "/expected.safetensors");
        model = AutoModel.open(Fixtures.path("models/" + notes.path("base").stringValue()), dtype);
        adapter = load.apply(folder, model);
        batch = Batches.of(expected);
        stored = findStored();
        gradients = new Gradients(new ArrayList<>(stored.values()));
    }

    Path folder() {
        return folder;
    }

    JsonNode notes() {
        return notes;
    }

    TensorSource expected() {
        return expected;
    }

    LanguageModel model() {
        return model;
    }

    Adapter adapter() {
        return adapter;
    }

    /** What trains, by its key in the adapter's file. */
    Map<String, Parameter> stored() {
        return stored;
    }

    Gradients gradients() {
        return gradients;
    }

    private Map<String, Parameter> findStored() {
        var byName = new LinkedHashMap<String, Parameter>();
        adapter.parameters().stream()
                .filter(Parameter::trainable)
                .forEach(p -> byName.put(p.name().replaceFirst("\\.default(?=\\.|$)", ""), p));
        model.parameters().values().stream().filter(Parameter::trainable).forEach(p -> byName.put(p.name(), p));
        var found = new LinkedHashMap<String, Parameter>();
        try (var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            file.names().stream()
                    .filter(key -> key.startsWith(SavedTensors.PREFIX)
                            && !key.endsWith(".base_layer.weight")
                            && !key.endsWith("_indices"))
                    .forEach(key -> {
                        var name = key.substring(SavedTensors.PREFIX.length());
                        found.put(key, Objects.requireNonNull(byName.remove(name), name));
                    });
        }
        assertThat(byName).isEmpty();
        return found;
    }

    Map<String, Tensor> values() {
        var values = new LinkedHashMap<String, Tensor>();
        stored.values().forEach(p -> values.put(p.name(), p.value()));
        return values;
    }

    long trainedWeights() {
        return stored.values().stream().mapToLong(Parameter::size).sum();
    }

    private Head head() {
        return Objects.requireNonNull(model.heads().get(""));
    }

    private TaskKind kind() {
        return model instanceof DecoderModel ? TaskKind.CAUSAL_LM : TaskKind.SINGLE_LABEL;
    }

    /** Adds a loss on the weights to every step. */
    void penalty(WeightPenalty given) {
        penalty = given;
    }

    /** The mean loss; backward too if asked. */
    double step(boolean backward) {
        gradients.clear();
        int answers =
                model instanceof DecoderModel ? CausalLmHead.Targets.of(batch).count() : batch.labelCount();
        double sum = penalty.addTo(backward ? gradients : (parameter, gradient) -> {});
        var tape = backward ? Tape.recording(gradients) : Tape.inference();
        try (var pass = Scope.open();
                var context = ForwardContext.evaluation(tape, batch.layout())) {
            var loss = model.loss(head(), kind(), batch, 1.0 / answers, context);
            if (backward) {
                tape.backward(loss);
            }
            return sum + loss.value().item_double();
        }
    }

    /** Of all rows, or of all tokens {@code [rows * tokens, vocabulary]}. */
    Tensor logits() {
        try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            return model.logits(head(), batch, context).value();
        }
    }

    void compareLogits() {
        var want = expected.tensor("logits");
        var got = logits().view(want.shape());
        if (model instanceof DecoderModel) {
            var mask = expected.tensor("attention_mask").to(ScalarType.Float).unsqueeze(2);
            assertClose("logits", got.mul(mask), want.mul(mask), 1e-4, 2e-5);
        } else {
            assertClose("logits", got, want, 1e-4, 2e-5);
        }
    }

    /** The logits of every row, or of its last token. */
    Tensor lastLogits() {
        if (!(model instanceof DecoderModel)) {
            return logits();
        }
        var layout = batch.layout();
        var last = layout.segments().stream()
                .mapToLong(segment -> layout.first(segment) + segment.length() - 1)
                .toArray();
        return torch.index_select(logits(), 0, torch.tensor(last));
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

    /** Logits, loss and gradients are those that PEFT had. */
    void meetsGradients() {
        double loss = step(true);
        compareLogits();
        assertNear("loss", loss, Fixtures.doubles(expected.tensor("loss"))[0]);
        stored.forEach((key, parameter) ->
                assertClose(key, gradients.of(parameter), expected.tensor("grad." + key), 1e-3, 1e-6));
        long count =
                expected.names().stream().filter(key -> key.startsWith("grad.")).count();
        assertThat(stored).hasSize((int) count);
    }

    /**
     * Twenty steps of AdamW follow PEFT's curve and end where it did.
     *
     * @param tolerance of the final weights
     * @param afterUpdate is told the number of each step when the weights are updated
     */
    void meetsCurve(double tolerance, IntConsumer afterUpdate) {
        try (var optimizer = new AdamW(List.of(ParameterGroup.of(values(), .01)), AdamW.Options.DEFAULT)) {
            var losses = Fixtures.doubles(expected.tensor("curve_loss"));
            var norms = Fixtures.doubles(expected.tensor("curve_grad_norm"));
            for (int step = 0; step < STEPS; step++) {
                double loss = step(true);
                assertNear("loss of step " + step, loss, losses[step]);
                assertNear("norm of step " + step, gradientNorm(), norms[step]);
                optimizer.step(gradients.byName(), 1e-2);
                afterUpdate.accept(step);
            }
            assertNear("loss after all", step(false), losses[STEPS]);
            assertClose("logits after all", lastLogits(), expected.tensor("final_logits_last"), 1e-3, tolerance);
            stored.forEach((key, parameter) ->
                    assertClose(key, parameter.value(), expected.tensor("final." + key), 1e-3, tolerance));
        }
    }

    /** The two weights of which PEFT's merged values are known. */
    void meetsMerged() {
        var merged = expected.names().stream()
                .filter(key -> key.startsWith("merged."))
                .toList();
        assertThat(merged).hasSize(2);
        for (var key : merged) {
            var weight = Objects.requireNonNull(model.parameters().get(key.substring("merged.".length())));
            try (var inner = Scope.open()) {
                var sum = adapter.merged(weight.name(), weight.value().to(ScalarType.Float));
                assertClose(key, sum, expected.tensor(key), 1e-5, 1e-6);
            }
        }
    }

    private static void assertNear(String what, double actual, double wanted) {
        assertThat(Math.abs(actual - wanted)).as(what).isLessThanOrEqualTo(2e-5 + 1e-4 * Math.abs(wanted));
    }

    @Override
    public void close() {
        gradients.close();
        adapter.close();
        model.close();
        expected.close();
        scope.close();
        guard.close();
    }
}
