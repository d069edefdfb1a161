package dev.espalier.adapter;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.error.InputException;
import dev.espalier.generate.Prompt;
import dev.espalier.generate.SamplingOptions;
import dev.espalier.generate.TokenGenerator;
import dev.espalier.generate.TokenGenerator.Generated;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.ForwardContext;
import dev.espalier.model.KvCache;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Layout;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prompts that use LoRA, DoRA, SiRA or no adapter, continued side by side: each as it would be alone. */
class AdaptersOfPromptsTest {
    private static final TokenGenerator.Listener ON = (prompt, id) -> true;
    private static final List<String> ROWS = List.of("lora", "bare", "dora", "sira", "dora", "bare", "lora", "sira");

    private static List<Optional<String>> names(List<String> rows) {
        return rows.stream()
                .map(row -> Optional.of(row).filter(name -> !name.equals("bare")))
                .toList();
    }

    /** Of unlike lengths. */
    private static List<Prompt> prompts(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> prompt(i, 1 + i * 5 % 13))
                .toList();
    }

    private static Prompt prompt(int id, int length) {
        var tokens = IntStream.range(0, length).map(place -> (id * 31 + place * 17) % 250 + 4);
        return new Prompt(id, tokens.toArray(), false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "gpt2"})
    void everyRowIsContinuedAsItWouldBeAlone(String family) {
        try (var resident = new Resident(family)) {
            var prompts = prompts(ROWS.size());
            var free = resident.generate(prompts, ROWS, 16, Set.of());
            // Rows of several adapters end early, so that those that stay move up in the cache.
            var stops = Set.of(
                    free.get(0).tokens()[3],
                    free.get(3).tokens()[5],
                    free.get(5).tokens()[7]);
            var alone = new ArrayList<Generated>();
            for (int i = 0; i < prompts.size(); i++) {
                int row = i;
                alone.addAll(resident.only(ROWS.get(i), () -> new TokenGenerator(resident.model, greedy(stops))
                        .generate(List.of(prompts.get(row)), ON)));
            }

            for (int batchSize : new int[] {3, 16}) {
                var mixed = resident.generate(prompts, ROWS, batchSize, stops);
                for (int i = 0; i < mixed.size(); i++) {
                    assertThat(mixed.get(i).tokens())
                            .as("row " + i + " with " + ROWS.get(i) + " in batches of " + batchSize)
                            .containsExactly(alone.get(i).tokens());
                    assertThat(mixed.get(i).reason()).isEqualTo(alone.get(i).reason());
                }
            }
            assertThat(alone.stream().map(Generated::reason).distinct()).hasSize(2);
        }
    }

    @Test
    void theAdapterDecidesWhatFollowsAPrompt() {
        try (var resident = new Resident("llama")) {
            var rows = List.of("bare", "lora", "dora", "sira");
            var prompt = prompt(1, 5);
            var answers = resident.generate(List.of(prompt, prompt, prompt, prompt), rows, 16, Set.of());

            assertThat(answers.stream().map(answer -> Arrays.toString(answer.tokens())))
                    .doesNotHaveDuplicates();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3"})
    void logitsFromTheCacheAreThoseOfEachRowAlone(String family) {
        try (var resident = new Resident(family, ScalarType.Double);
                var cache = new KvCache(4)) {
            var rows = List.of("sira", "lora", "bare", "dora");
            resident.pass(rows, prompts(4), cache);
            cache.keep(0, 1, 3);
            var mixed = resident.pass(List.of("sira", "lora", "dora"), nextTokens(3), cache);

            int at = 0;
            for (int row : new int[] {0, 1, 3}) {
                try (var own = new KvCache(1)) {
                    var alone = resident.only(rows.get(row), () -> {
                        resident.pass(List.of(), prompts(4).subList(row, row + 1), own);
                        return resident.pass(List.of(), nextTokens(1), own);
                    });
                    assertClose("row " + row, mixed.narrow(0, at++, 1), alone, 1e-4, 2e-5);
                }
            }
        }
    }

    private static List<Prompt> nextTokens(int rows) {
        return IntStream.range(0, rows)
                .mapToObj(row -> new Prompt(row, new int[] {42}, false))
                .toList();
    }

    @Test
    void aNameThatIsNoneOfAnActingAdapterIsRefused() {
        try (var resident = new Resident("llama")) {
            resident.adapters.get(2).disable();
            var prompts = List.of(prompt(0, 3), new Prompt(1, new int[] {7}, false, "rows.jsonl, line 2"));

            assertThatThrownBy(() -> resident.generate(prompts, List.of("bare", "lroa"), 16, Set.of()))
                    .isInstanceOf(InputException.class)
                    .hasMessage(
                            "rows.jsonl, line 2 asks for the adapter 'lroa', but those on the model are lora, dora.");
            assertThatThrownBy(() -> resident.generate(prompts, List.of("sira", "lora"), 16, Set.of()))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("Prompt 0 asks for the adapter 'sira'");
            assertThatThrownBy(() -> resident.generate(prompts, List.of("lora"), 16, Set.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1 adapters for 2 prompts");
        }
    }

    private static SamplingOptions greedy(Set<Integer> stops) {
        return SamplingOptions.builder().maxNewTokens(12).stopTokens(stops).build();
    }

    /** A decoder with all adapters resident and enabled. */
    private static final class Resident implements AutoCloseable {
        private final NoGradGuard guard = Engine.enter(1);
        private final Scope scope = Scope.open();
        private final DecoderModel model;
        private final List<Adapter> adapters = new ArrayList<>();

        Resident(String family) {
            this(family, ScalarType.Float);
        }

        Resident(String family, ScalarType dtype) {
            model = AutoModel.decoder(Fixtures.path("models/" + family), dtype);
            var all = TargetModules.allLinear();
            add("lora", LoraSpec.defaults().withTargets(all));
            add("dora", LoraSpec.defaults().withTargets(all).withDora(true));
            add("sira", Mixtures.sira().with(m -> m.targets(all).experts(4).topK(2)));
        }

        private void add(String name, AdapterSpec spec) {
            var adapter = Adapter.create(name, spec, model, RandomStream.of(3));
            TinyModel.scramble(adapter);
            adapters.add(adapter);
        }

        List<Generated> generate(List<Prompt> prompts, List<String> rows, int batchSize, Set<Integer> stops) {
            return new TokenGenerator(model, greedy(stops), batchSize).generate(prompts, names(rows), ON);
        }

        /** With one adapter, or none, on the model. */
        <T> T only(String name, Supplier<T> work) {
            var others = adapters.stream()
                    .filter(adapter -> !adapter.name().equals(name))
                    .toList();
            others.forEach(Adapter::disable);
            try {
                return work.get();
            } finally {
                others.forEach(Adapter::enable);
            }
        }

        /** Feeds each row's tokens; the logits after the last of them. */
        Tensor pass(List<String> rows, List<Prompt> tokens, KvCache cache) {
            int longest = tokens.stream().mapToInt(Prompt::length).max().orElseThrow();
            var ids = new long[tokens.size() * longest];
            var last = new int[tokens.size()];
            for (int row = 0; row < tokens.size(); row++) {
                for (int i = 0; i < tokens.get(row).length(); i++) {
                    ids[row * longest + i] = tokens.get(row).tokens()[i];
                }
                last[row] = row * longest + tokens.get(row).length() - 1;
            }
            var layout = Layout.rightPadded(
                    longest, tokens.stream().mapToInt(Prompt::length).toArray());
            try (var context = ForwardContext.cached(layout, cache)) {
                if (!rows.isEmpty()) {
                    context.adapters(names(rows));
                }
                return model.lmHead().logits(model.hidden(ids, context, state -> {}), last, context);
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
