package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static dev.espalier.Fixtures.longs;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Gradients;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Forward and backward of every weight against transformers. */
class EncoderFixtureTest {
    @ParameterizedTest
    @CsvSource({"bert_cls, 3", "roberta_cls, 4", "bert_mlm, 0"})
    void logitsLossHiddenStatesAndGradientsOfEveryWeightMatchTransformers(String name, int labels) {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var expected = Fixtures.tensors("models/" + name + "/expected.safetensors");
                var model = AutoModel.encoder(Fixtures.path("models/" + name), ScalarType.Float)) {
            var head = labels == 0
                    ? model.addMaskedLmHead()
                    : model.addHead("", TaskKind.SINGLE_LABEL, labels, Pooling.DEFAULT, RandomStream.of(0));
            model.parameters().values().forEach(p -> p.trainable(true));
            var parameters = List.copyOf(model.parameters().values());
            var batch = batch(expected, labels == 0);
            try (var gradients = new Gradients(parameters);
                    var context = ForwardContext.evaluation(Tape.recording(gradients), batch.layout())) {
                var states = new ArrayList<Tensor>();
                var hidden = model.hidden(
                        batch,
                        context,
                        state -> states.add(scope.keep(state.value().clone())));
                var logits = head.forward(hidden, context);
                var kind = labels == 0 ? TaskKind.TOKEN_LABELS : TaskKind.SINGLE_LABEL;
                var loss = TaskLoss.of(kind, logits, batch, 1.0 / batch.labelCount(), context);

                var mask = expected.tensor("attention_mask").to(ScalarType.Float);
                for (int i = 0; i < states.size(); i++) {
                    var want = expected.tensor("hidden_states." + i);
                    compareUnpadded("hidden_states." + i, states.get(i).view(want.shape()), want, mask);
                }
                var wantLogits = expected.tensor("logits");
                if (labels == 0) {
                    compareUnpadded("logits", logits.value().view(wantLogits.shape()), wantLogits, mask);
                } else {
                    assertClose("logits", logits.value(), wantLogits, 1e-4, 2e-5);
                }
                assertClose("loss", loss.value(), expected.tensor("loss"), 1e-4, 2e-5);

                context.tape().backward(loss);
                int compared = 0;
                for (var p : parameters) {
                    var gradient = gradients.of(p);
                    var norm = expected.tensor("grad_norm." + p.name());
                    // Below 1e-5 a norm is rounding noise around an exact 0: the key biases.
                    boolean noise = Fixtures.doubles(norm)[0] < 1e-5;
                    assertClose("norm of " + p.name(), gradient.norm(), norm, noise ? 0 : 1e-3, noise ? 1e-5 : 1e-6);
                    if (expected.names().contains("grad." + p.name())) {
                        assertClose(p.name(), gradient, expected.tensor("grad." + p.name()), 1e-3, 1e-6);
                    }
                    compared++;
                }
                assertThat(compared).isEqualTo((int) expected.names().stream()
                        .filter(n -> n.startsWith("grad_norm."))
                        .count());
            }
        }
    }

    static void compareUnpadded(String what, Tensor actual, Tensor expected, Tensor mask) {
        var each = mask.unsqueeze(2);
        assertClose(what, actual.mul(each), expected.mul(each), 1e-4, 2e-5);
    }

    static Batch batch(TensorSource expected, boolean labelPerToken) {
        var ids = expected.tensor("input_ids");
        int rows = (int) ids.size(0);
        int tokens = (int) ids.size(1);
        var lengths = Arrays.stream(longs(expected.tensor("attention_mask").sum(1)))
                .mapToInt(Math::toIntExact)
                .toArray();
        var types = expected.names().contains("token_type_ids")
                ? longs(expected.tensor("token_type_ids"))
                : new long[rows * tokens];
        var labels = expected.names().contains("labels")
                ? Arrays.stream(longs(expected.tensor("labels")))
                        .mapToInt(Math::toIntExact)
                        .toArray()
                : new int[rows];
        int count = (int) Arrays.stream(labels).filter(l -> l != Batch.IGNORED).count();
        assertThat(labels).hasSize(labelPerToken ? rows * tokens : rows);
        return new Batch(
                0, Layout.rightPadded(tokens, lengths), longs(ids), types, labels, new float[0], new long[rows], count);
    }
}
