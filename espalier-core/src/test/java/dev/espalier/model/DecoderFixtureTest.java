package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static dev.espalier.Fixtures.longs;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.data.TaskKind;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoders of every family against transformers: logits, hidden states, loss, gradients, greedy continuation. */
class DecoderFixtureTest {
    @ParameterizedTest
    @CsvSource({
        "llama, false",
        "llama, true",
        "llama3_tied, true",
        "mistral, false",
        "qwen2, false",
        "qwen3, false",
        "phi3, false",
        "gemma2, true",
        "gpt2, false",
        "llama_bf16_sharded, false"
    })
    void logitsLossHiddenStatesAndGradientsOfEveryWeightMatchTransformers(String name, boolean checkpointing) {
        try (var scope = Scope.open();
                var expected = Fixtures.tensors("models/" + name + "/expected.safetensors");
                var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float)) {
            model.parameters().values().forEach(p -> p.trainable(true));
            var parameters = List.copyOf(model.parameters().values());
            var batch = EncoderFixtureTest.batch(expected, true);
            try (var gradients = new Gradients(parameters);
                    var context = ForwardContext.evaluation(Tape.recording(gradients), batch.layout())
                            .checkpointing(checkpointing)) {
                var states = new ArrayList<Tensor>();
                var hidden = model.hidden(
                        batch.inputIds(),
                        context,
                        state -> states.add(scope.keep(state.value().clone())));
                compareForward(expected, model, context, hidden, states);
                double weight = 1.0 / CausalLmHead.Targets.of(batch).count();
                var loss = model.lmHead().loss(TaskKind.CAUSAL_LM, hidden, batch, weight, context);
                assertClose("loss", loss.value(), expected.tensor("loss"), 1e-4, 2e-5);
                context.tape().backward(loss);
                for (var p : parameters) {
                    var gradient = gradients.of(p);
                    assertClose(
                            "norm of " + p.name(),
                            gradient.norm(),
                            expected.tensor("grad_norm." + p.name()),
                            1e-3,
                            1e-6);
                    if (expected.names().contains("grad." + p.name())) {
                        assertClose(p.name(), gradient, expected.tensor("grad." + p.name()), 1e-3, 1e-6);
                    }
                }
                assertThat(parameters).hasSize((int) expected.names().stream()
                        .filter(n -> n.startsWith("grad_norm."))
                        .count());
            }
        }
    }

    private static void compareForward(
            TensorSource expected, DecoderModel model, ForwardContext context, Variable hidden, List<Tensor> states) {
        var mask = expected.tensor("attention_mask").to(ScalarType.Float);
        for (int i = 0; i < states.size(); i++) {
            var want = expected.tensor("hidden_states." + i);
            EncoderFixtureTest.compareUnpadded(
                    "hidden_states." + i, states.get(i).view(want.shape()), want, mask);
        }
        var logits = model.lmHead().forward(hidden, context).value();
        var want = expected.tensor("logits");
        EncoderFixtureTest.compareUnpadded("logits", logits.view(want.shape()), want, mask);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "llama3_tied",
                "mistral",
                "qwen2",
                "qwen3",
                "phi3",
                "gemma2",
                "gpt2",
                "llama_bf16_sharded"
            })
    void greedyContinuationWithAndWithoutCacheIsThatOfTransformers(String name) {
        try (var scope = Scope.open();
                var expected = Fixtures.tensors("models/" + name + "/expected.safetensors");
                var model = AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float);
                var cache = new KvCache(1)) {
            var want = longs(expected.tensor("generated_ids"));
            var wantLogits = expected.tensor("generate_step_logits");
            int prompt = (int) expected.tensor("generate_prompt_ids").size(1);
            for (int step = 0; prompt + step < want.length; step++) {
                var all = Arrays.copyOf(want, prompt + step);
                var next = step == 0 ? all : new long[] {all[all.length - 1]};
                try (var whole = ForwardContext.evaluation(
                                Tape.inference(), Layout.rightPadded(all.length, all.length));
                        var part = ForwardContext.cached(Layout.rightPadded(next.length, next.length), cache)) {
                    var uncached = lastLogits(model, all, whole);
                    var cached = lastLogits(model, next, part);
                    var wanted = wantLogits.narrow(0, step, 1);
                    assertClose("logits of step " + step, uncached, wanted, 1e-4, 2e-5);
                    assertClose("cached logits of step " + step, cached, wanted, 1e-4, 2e-5);
                    assertThat(cached.argmax().item_long()).isEqualTo(want[prompt + step]);
                }
            }
        }
    }

    private static Tensor lastLogits(DecoderModel model, long[] ids, ForwardContext context) {
        var hidden = model.hidden(ids, context, state -> {});
        return model.lmHead().logits(hidden, new int[] {ids.length - 1}, context);
    }
}
