package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.generate.Prompt;
import dev.espalier.generate.SamplingOptions;
import dev.espalier.generate.TokenGenerator;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.SequenceGuide;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

/** Texts that are written by the expert of their task. */
class TaskOfPromptsTest {
    @Test
    @SuppressWarnings("try") // guard and scope work by being open
    void promptsAreContinuedByTheirTasksExpert() {
        var spec = Mixtures.of("flix").with(m -> m.experts(2).targets(TargetModules.allLinear()));
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var model = AutoModel.decoder(Fixtures.path("models/llama"), ScalarType.Float);
                var adapter = Adapter.create("a", spec, model, RandomStream.of(2))) {
            for (var p : adapter.parameters()) {
                if (p.name().contains("lora_B")) {
                    p.value().copy_(Initialiser.normal(.5, RandomStream.of(11).at(p.name()), p.shape()));
                }
            }
            var first = written(model, 0);
            var second = written(model, 1);
            assertThat(second).isNotEqualTo(first);
            for (var p : adapter.parameters()) {
                boolean down = p.name().contains("lora_A");
                var experts = down ? p.value().view(2, -1) : p.value().view(p.shape()[0], 2, -1);
                p.value().copy_(experts.flip(down ? 0 : 1).reshape(p.shape()));
            }
            assertThat(written(model, 0)).isEqualTo(second);
            assertThat(written(model, 1)).isEqualTo(first);
        }
    }

    private static List<Integer> written(DecoderModel model, int task) {
        var options = SamplingOptions.builder().maxNewTokens(12).build();
        var prompts = List.of(new Prompt(0, new int[] {3, 5, 9}, false), new Prompt(1, new int[] {7}, false));
        return new TokenGenerator(model, options)
                .generate(prompts, SequenceGuide.task(task), (prompt, id) -> true).stream()
                        .flatMap(row -> Arrays.stream(row.tokens()).boxed())
                        .toList();
    }
}
