package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.CausalLmHead;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Tape;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Modules that train as a whole beside LoRA: output head, embeddings, norms. */
@ExtendWith(OnEngine.class)
class ModulesToSaveTest {
    @TempDir
    private Path temporary;

    private static LoraSpec spec(String... modules) {
        return LoraSpec.defaults().withModulesToSave(List.of(modules));
    }

    private static DecoderModel model(String name) {
        return AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float);
    }

    /** Untouched copies get the gradients that transformers gives the weights they are copies of. */
    @ParameterizedTest
    @CsvSource({
        "llama, 'lm_head embed_tokens norm down_proj', false",
        "llama, 'lm_head embed_tokens norm down_proj', true",
        "qwen3, 'q_norm embed_tokens', false",
        "gemma2, 'post_feedforward_layernorm', true",
        "gpt2, 'ln_1 c_fc ln_f', false"
    })
    void gradientsOfCopiesAreThoseOfTheWeights(String name, String modules, boolean checkpointing) {
        try (var expected = Fixtures.tensors("models/" + name + "/expected.safetensors");
                var model = model(name);
                var adapter = Adapter.create("a", spec(modules.split(" ")), model, RandomStream.of(1))) {
            var batch = Batches.of(expected);
            var copies = adapter.copies().byModule();
            assertThat(copies).isNotEmpty();
            try (var gradients = new Gradients(adapter.parameters());
                    var context = ForwardContext.evaluation(Tape.recording(gradients), batch.layout())
                            .checkpointing(checkpointing)) {
                double weight = 1.0 / CausalLmHead.Targets.of(batch).count();
                var loss = model.loss(model.lmHead(), TaskKind.CAUSAL_LM, batch, weight, context);
                assertClose("loss", loss.value(), expected.tensor("loss"), 1e-4, 2e-5);
                context.tape().backward(loss);
                copies.forEach((path, weights) -> weights.forEach(stored -> {
                    // Of a tied matrix transformers gives the sum of both its uses.
                    if (!(model.config().tied() && path.equals(model.names().embeddings()))) {
                        assertClose(
                                path,
                                gradients.of(stored.parameter()).norm(),
                                expected.tensor("grad_norm." + path + "." + stored.key()),
                                1e-3,
                                1e-6);
                    } else {
                        assertThat(gradients.of(stored.parameter()).norm().item_double())
                                .isGreaterThan(0);
                    }
                }));
            }
        }
    }

    @Test
    void copiesActWhileEnabledAreSavedUnderPeftsNamesAndLoadAgain() {
        double[] trained;
        double[] plain;
        try (var model = model("llama3_tied");
                var adapter = Adapter.create("a", spec("lm_head", "input_layernorm"), model, RandomStream.of(1))) {
            adapter.disable();
            plain = Fixtures.doubles(logits(model, List.of()));
            adapter.enable();
            assertThat(Fixtures.doubles(logits(model, List.of()))).isEqualTo(plain);
            TinyModel.scramble(adapter);
            trained = Fixtures.doubles(logits(model, List.of()));
            assertThat(trained).isNotEqualTo(plain);
            AdapterFolder.save(temporary.resolve("a"), adapter, model, card());
            adapter.disable();
            assertThat(Fixtures.doubles(logits(model, List.of()))).isEqualTo(plain);
        }
        assertThat(Json.read(temporary.resolve("a/adapter_config.json")).path("modules_to_save"))
                .isEqualTo(Json.mapper().readTree("[\"lm_head\", \"input_layernorm\"]"));
        try (var file = SafetensorsFile.open(temporary.resolve("a").resolve(AdapterFolder.WEIGHTS))) {
            assertThat(file.names())
                    .contains(
                            "base_model.model.lm_head.weight",
                            "base_model.model.model.layers.1.input_layernorm.weight");
        }
        try (var model = model("llama3_tied");
                var loaded = AdapterFolder.load(temporary.resolve("a"), model)) {
            assertThat(Fixtures.doubles(logits(model, List.of()))).isEqualTo(trained);
            assertThat(loaded.spec())
                    .isEqualTo(spec("lm_head", "input_layernorm").withTargets(TargetModules.of("q_proj", "v_proj")));
        }
    }

    @Test
    void rowsOfABatchUseTheirOwnModules() {
        try (var model = model("llama");
                var whole = Adapter.create(
                        "whole", spec("lm_head", "embed_tokens", "norm", "up_proj"), model, RandomStream.of(1));
                var other = Adapter.create("other", LoraSpec.defaults(), model, RandomStream.of(2))) {
            TinyModel.scramble(whole);
            TinyModel.scramble(other);
            var mixed = logits(model, List.of(Optional.of("whole"), Optional.empty(), Optional.of("other")));
            other.disable();
            compare(mixed, logits(model, List.of()), 0);
            whole.disable();
            compare(mixed, logits(model, List.of()), 1);
            other.enable();
            compare(mixed, logits(model, List.of()), 2);
        }
    }

    private static void compare(Tensor mixed, Tensor alone, int row) {
        int length = batch().layout().segments().get(row).length();
        long from = (long) row * batch().tokens();
        assertClose("row " + row, mixed.narrow(0, from, length), alone.narrow(0, from, length), 1e-4, 2e-5);
    }

    @Test
    void bf16ModelsTrainCopiesInFp32() {
        try (var model = AutoModel.decoder(Fixtures.path("models/llama_bf16_sharded"), ScalarType.BFloat16);
                var adapter = Adapter.create(
                        "a", spec("lm_head", "embed_tokens", "norm", "down_proj"), model, RandomStream.of(1))) {
            assertThat(adapter.parameters()).allMatch(p -> Engine.dtype(p.value()) == ScalarType.Float);
            var with = logits(model, List.of());
            adapter.disable();
            assertClose("logits", with, logits(model, List.of()), 0, 0);
            adapter.enable();
            try (var gradients = new Gradients(adapter.parameters());
                    var context = ForwardContext.evaluation(Tape.recording(gradients), batch().layout())) {
                context.tape().backward(model.loss(model.lmHead(), TaskKind.CAUSAL_LM, batch(), .1, context));
                adapter.copies().byModule().values().stream()
                        .flatMap(List::stream)
                        .forEach(stored -> assertThat(
                                        gradients.of(stored.parameter()).norm().item_double())
                                .isGreaterThan(0));
            }
        }
    }

    @Test
    void aNameThatIsNoModulesNamesTheNearest() {
        try (var model = model("llama")) {
            assertThatThrownBy(() -> Adapter.create("a", spec("lm_haed"), model, RandomStream.of(1)))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("'lm_haed'")
                    .hasMessageContaining("lm_head");
        }
    }

    private static AdapterCard card() {
        var head = new SavedHead("", "", TaskKind.CAUSAL_LM, List.of(), Pooling.DEFAULT);
        return new AdapterCard("base", Optional.empty(), List.of(head));
    }

    private static Batch batch() {
        try (var expected = Fixtures.tensors("models/llama/expected.safetensors")) {
            return Batches.of(expected);
        }
    }

    private static Tensor logits(DecoderModel model, List<Optional<String>> rows) {
        var batch = batch();
        try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
            if (!rows.isEmpty()) {
                context.adapters(rows);
            }
            return model.logits(model.lmHead(), batch, context).value();
        }
    }
}
