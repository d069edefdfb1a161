package dev.espalier.generate;

import static dev.espalier.Fixtures.longs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.error.InputException;
import dev.espalier.generate.TokenGenerator.Generated;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** On the small models of the fixtures: transformers' greedy tokens, and the same answer in any batch. */
class TokenGeneratorTest {
    private static final TokenGenerator.Listener ON = (prompt, id) -> true;

    private static DecoderModel model(String name) {
        return AutoModel.decoder(Fixtures.path("models/" + name), ScalarType.Float);
    }

    private static SamplingOptions greedy(int tokens) {
        return SamplingOptions.builder().maxNewTokens(tokens).build();
    }

    private static Prompt prompt(int id, int length) {
        return new Prompt(
                id,
                IntStream.range(0, length)
                        .map(place -> (id * 31 + place * 17) % 250 + 4)
                        .toArray(),
                false);
    }

    /** Prompts of unlike lengths. */
    private static List<Prompt> prompts() {
        return IntStream.of(3, 11, 1, 7, 7, 20, 2)
                .mapToObj(length -> prompt(length * 3, length))
                .toList();
    }

    private static List<int[]> tokens(List<Generated> rows) {
        return rows.stream().map(Generated::tokens).toList();
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
    void greedyTokensAreThoseOfTransformersAloneAndAmongOthers(String name) {
        try (var scope = Scope.open();
                var expected = Fixtures.tensors("models/" + name + "/expected.safetensors");
                var model = model(name)) {
            var ids = Arrays.stream(longs(expected.tensor("generated_ids")))
                    .mapToInt(Math::toIntExact)
                    .toArray();
            int length = (int) expected.tensor("generate_prompt_ids").size(1);
            var prompt = new Prompt(0, Arrays.copyOf(ids, length), false);
            var wanted = Arrays.copyOfRange(ids, length, ids.length);
            var generator = new TokenGenerator(model, greedy(wanted.length));

            assertThat(generator.generate(List.of(prompt), ON).get(0).tokens()).containsExactly(wanted);
            var among = generator.generate(List.of(prompt(1, 9), prompt, prompt(2, 2)), ON);
            assertThat(among.get(1).tokens()).containsExactly(wanted);
            assertThat(among).extracting(Generated::reason).containsOnly(FinishReason.MAX_NEW_TOKENS);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma2", "gpt2", "qwen3"})
    void aRowGetsTheSameTokensInAnyBatchGreedyOrDrawn(String name) {
        try (var model = model(name)) {
            for (var options : List.of(
                    greedy(24),
                    SamplingOptions.builder()
                            .temperature(1)
                            .topK(50)
                            .topP(.95)
                            .repetitionPenalty(1.1)
                            .seed(7)
                            .maxNewTokens(24)
                            .build())) {
                var alone = new ArrayList<int[]>();
                for (var prompt : prompts()) {
                    alone.addAll(tokens(new TokenGenerator(model, options).generate(List.of(prompt), ON)));
                }
                for (int batchSize : new int[] {1, 3, 16}) {
                    assertThat(tokens(new TokenGenerator(model, options, batchSize).generate(prompts(), ON)))
                            .as("batches of " + batchSize)
                            .containsExactlyElementsOf(alone);
                }
            }
        }
    }

    @Test
    void anotherSeedOrIdDrawsOtherTokens() {
        try (var model = model("llama")) {
            var options = SamplingOptions.builder().temperature(1).seed(7).maxNewTokens(24);
            var same = prompt(1, 5);
            var other = new Prompt(2, same.tokens(), false);
            var first = new TokenGenerator(model, options.build()).generate(List.of(same, other, same), ON);
            var second = new TokenGenerator(model, options.seed(8).build()).generate(List.of(same), ON);

            assertThat(first.get(2).tokens()).containsExactly(first.get(0).tokens());
            assertThat(first.get(1).tokens()).isNotEqualTo(first.get(0).tokens());
            assertThat(second.get(0).tokens()).isNotEqualTo(first.get(0).tokens());
        }
    }

    @Test
    void aStopTokenEndsItsRowOnlyAndIsAmongItsTokens() {
        try (var model = model("llama")) {
            var free = tokens(new TokenGenerator(model, greedy(24)).generate(prompts(), ON));
            int stop = free.get(1)[5];
            var options = greedy(24).toBuilder().stopTokens(Set.of(stop)).build();

            var rows = new TokenGenerator(model, options).generate(prompts(), ON);

            for (int i = 0; i < rows.size(); i++) {
                int end = Arrays.stream(free.get(i)).boxed().toList().indexOf(stop);
                var wanted = end < 0 ? free.get(i) : Arrays.copyOf(free.get(i), end + 1);
                assertThat(rows.get(i).tokens()).as("row " + i).containsExactly(wanted);
                assertThat(rows.get(i).reason())
                        .isEqualTo(end < 0 ? FinishReason.MAX_NEW_TOKENS : FinishReason.STOP_TOKEN);
            }
            assertThat(rows).extracting(Generated::reason).contains(FinishReason.MAX_NEW_TOKENS);
        }
    }

    @Test
    void aListenerSeesEveryTokenInOrderAndMayEndARow() {
        try (var model = model("llama")) {
            var seen = new ArrayList<List<Integer>>();
            prompts().forEach(prompt -> seen.add(new ArrayList<>()));
            var rows = new TokenGenerator(model, greedy(10)).generate(prompts(), (prompt, id) -> {
                seen.get(prompt).add(id);
                return seen.get(prompt).size() <= prompt;
            });

            for (int i = 0; i < rows.size(); i++) {
                assertThat(rows.get(i).tokens()).hasSize(i + 1);
                assertThat(Arrays.stream(rows.get(i).tokens()).boxed()).containsExactlyElementsOf(seen.get(i));
                assertThat(rows.get(i).reason()).isEqualTo(FinishReason.STOP_STRING);
            }
        }
    }

    @Test
    void theModelsContextEndsARow() {
        try (var model = model("gpt2")) {
            var rows = new TokenGenerator(model, greedy(100)).generate(List.of(prompt(1, 90), prompt(2, 95)), ON);

            assertThat(rows).extracting(row -> row.tokens().length).containsExactly(6, 1);
            assertThat(rows).extracting(Generated::reason).containsOnly(FinishReason.CONTEXT_FULL);
            assertThatThrownBy(() -> new TokenGenerator(model, greedy(1)).generate(List.of(prompt(5, 96)), ON))
                    .isInstanceOf(InputException.class)
                    .hasMessage(
                            "Prompt 5 has 96 tokens, which leaves no room for an answer in the model's context of 96"
                                    + " tokens; shorten it.");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ScalarType.class,
            names = {"Float", "BFloat16"})
    void anAttachedAdapterChangesTheAnswer(ScalarType dtype) {
        try (var model = AutoModel.decoder(Fixtures.path("models/llama"), dtype)) {
            var generator = new TokenGenerator(model, greedy(24));
            var bare = tokens(generator.generate(prompts(), ON));
            try (var adapter = AdapterFolder.load(Fixtures.path("adapters/lora_qv"), model)) {
                assertThat(tokens(generator.generate(prompts(), ON))).isNotEqualTo(bare);
                adapter.disable();
                var again = tokens(generator.generate(prompts(), ON));
                assertThat(again).containsExactlyElementsOf(bare);
            }
        }
    }

    @Test
    void aBatchHoldsAtLeastOneRow() {
        try (var model = model("llama")) {
            assertThatThrownBy(() -> new TokenGenerator(model, greedy(1), 0))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("batch-size");
        }
    }

    @Test
    void generationLeavesNoNativeObjects() {
        try (var model = model("gemma2")) {
            var generator = new TokenGenerator(model, greedy(12));
            generator.generate(prompts(), ON);
            long before = Scope.liveObjects();
            for (int i = 0; i < 5; i++) {
                generator.generate(prompts(), ON);
            }
            assertThat(Scope.liveObjects()).isEqualTo(before);
        }
    }
}
