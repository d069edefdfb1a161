package dev.espalier.model;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.ModelLocator;
import dev.espalier.json.Json;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Tape;
import dev.espalier.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The encoders of the Maven jars: tokenizer and hidden states against transformers. */
class RealEncoderTest {
    @ParameterizedTest
    @ValueSource(strings = {"all-minilm-l6-v2", "bge-small-en-v1.5", "e5-small-v2"})
    void tokensAndHiddenStatesMatchTransformers(String name) {
        var folder = ModelLocator.locate(name);
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var expected = Fixtures.tensors("encoders/" + name + ".safetensors");
                var tokenizer = TextTokenizer.open(folder);
                var model = AutoModel.encoder(folder, ScalarType.Float)) {
            var batch = EncoderFixtureTest.batch(expected, false);
            var texts = Json.mapper().readTree(expected.metadata().get("texts"));
            for (int row = 0; row < batch.rows(); row++) {
                var ids = new ArrayList<Long>();
                for (int i = 0; i < batch.layout().lengths()[row]; i++) {
                    ids.add(batch.inputIds()[row * batch.tokens() + i]);
                }
                var encoded = tokenizer.encode(texts.get(row).asString(), 512);
                assertThat(Arrays.stream(encoded.ids()).asLongStream().boxed()).containsExactlyElementsOf(ids);
            }
            try (var context = ForwardContext.evaluation(Tape.inference(), batch.layout())) {
                var want = expected.tensor("last_hidden_state");
                var mask =
                        expected.tensor("attention_mask").to(ScalarType.Float).unsqueeze(2);
                Tensor states = model.hidden(batch, context).value().view(want.shape());
                assertClose("last_hidden_state", states.mul(mask), want.mul(mask), 1e-4, 2e-5);
                var mean = states.mul(mask).sum(1).div(mask.sum(1));
                assertClose("mean_pooled", mean, expected.tensor("mean_pooled"), 1e-4, 2e-5);
            }
        }
    }
}
