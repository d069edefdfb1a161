package dev.espalier.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Batch;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which layers lie below whatever is adapted, and that they cost no backward pass. */
class FrozenLayersTest {
    private final NoGradGuard guard = Engine.enter(1);
    private final Scope scope = Scope.open();

    @AfterEach
    void free() {
        scope.close();
        guard.close();
    }

    private static LoraSpec lora(int layer, String... modules) {
        return LoraSpec.defaults().withTargets(TargetModules.of(modules).inLayers(List.of(layer), List.of()));
    }

    private static LanguageModel model(String name) {
        return AutoModel.open(Fixtures.path("models/" + name), ScalarType.Float);
    }

    private static int frozen(LanguageModel model, LoraSpec spec) {
        try (var adapter = Adapter.create("a", spec, model, RandomStream.of(1))) {
            return model.frozenLayers();
        }
    }

    @ParameterizedTest
    @CsvSource({"bert_cls, query, 2", "llama, q_proj, 2", "gpt2, c_attn, 2"})
    void layersBelowTheLowestDeltaAreFrozen(String name, String module, int layers) {
        try (var model = model(name)) {
            assertThat(model.frozenLayers()).isEqualTo(layers);
            assertThat(frozen(model, lora(1, module))).isEqualTo(1);
            assertThat(frozen(model, lora(0, module))).isZero();
            assertThat(model.frozenLayers()).as("without the adapters").isEqualTo(layers);
        }
    }

    @Test
    void trainedCopiesEmbeddingsAndWeightsThatTrainCount() {
        try (var model = model("llama")) {
            var upper = lora(1, "q_proj");
            assertThat(frozen(model, upper.withModulesToSave(List.of("lm_head"))))
                    .isEqualTo(1);
            assertThat(frozen(model, upper.withModulesToSave(List.of("layers.0.input_layernorm"))))
                    .isZero();
            assertThat(frozen(model, upper.withModulesToSave(List.of("embed_tokens"))))
                    .isZero();
            assertThat(frozen(model, LoraSpec.defaults().withTargets(TargetModules.of("embed_tokens"))))
                    .isZero();
            var weight = Objects.requireNonNull(model.linears().get("model.layers.1.mlp.up_proj"))
                    .weight();
            weight.trainable(true);
            assertThat(model.frozenLayers()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void backwardOfADecoderEndsAtTheLowestDelta(boolean checkpointing) {
        try (var model = AutoModel.decoder(Fixtures.path("models/llama"), ScalarType.Float);
                var adapter = Adapter.create("a", lora(1, "q_proj"), model, RandomStream.of(1))) {
            var batch = Batch.ofTexts(0, List.of(new int[] {3, 4, 5}), 0);
            var states = new ArrayList<Variable>();
            try (var context = ForwardContext.evaluation(Tape.recording((p, g) -> {}), batch.layout())
                    .checkpointing(checkpointing)) {
                model.hidden(batch.inputIds(), context, states::add);
                // What needs no gradient was not recorded: what enters the layers, and what leaves the last.
                assertThat(states).extracting(Variable::requiresGrad).containsExactly(false, false, true);
            }
            assertThat(adapter.isEnabled()).isTrue();
        }
    }

    @Test
    void backwardOfAnEncoderEndsAtTheLowestDelta() {
        try (var model = AutoModel.encoder(Fixtures.path("models/bert_cls"), ScalarType.Float);
                var adapter = Adapter.create("a", lora(1, "query"), model, RandomStream.of(1))) {
            var batch = Batch.ofTexts(0, List.of(new int[] {3, 4, 5}), 0);
            var states = new ArrayList<Variable>();
            try (var context = ForwardContext.evaluation(Tape.recording((p, g) -> {}), batch.layout())) {
                model.hidden(batch, context, states::add);
                assertThat(states).extracting(Variable::requiresGrad).containsExactly(false, false, true);
            }
            assertThat(adapter.isEnabled()).isTrue();
        }
    }
}
