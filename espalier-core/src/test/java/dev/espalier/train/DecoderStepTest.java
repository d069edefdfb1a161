package dev.espalier.train;

import static dev.espalier.Fixtures.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.MixtureSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.adapter.TargetModules;
import dev.espalier.data.Batch;
import dev.espalier.data.Packing;
import dev.espalier.data.TaskKind;
import dev.espalier.json.Json;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.routing.RouterNoise;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/**
 * A step of a decoder gives the same loss, auxiliary loss, routing and gradients however its examples are cut into
 * micro-batches, shared among workers or packed into rows, and whether blocks are computed again in backward.
 */
class DecoderStepTest {
    private static final int ROW = 32;

    @TempDir
    Path folder;

    static Stream<Arguments> stepsOfDecoders() {
        // Both factors random, so that both have a gradient.
        var lora = LoraSpec.defaults().withDropout(0.2).withInitialisation(LoraSpec.Initialisation.RANDOM);
        // A capacity so small that experts drop tokens, and an auxiliary loss as large as gradients of the loss.
        var sira = Mixtures.sira().with(m -> m.targets(TargetModules.allLinear())
                .experts(4)
                .topK(2)
                .capacityFactor(Optional.of(0.8))
                .dropout(0.2)
                .expertDropout(0.3)
                .auxiliaryCoefficient(1));
        var layers = Mixtures.of("mola").with(m -> m.experts(3)
                .expertsByDepth(List.of())
                .scorer(MixtureSpec.Scorer.LAYER)
                .noise(new RouterNoise(0.3, 0.2))
                .auxiliaryCoefficient(1));
        var sequences = Mixtures.of("molora").with(m -> m.experts(3).scorer(MixtureSpec.Scorer.SEQUENCE));
        var soup = Mixtures.of("adamix").with(m -> m.experts(3).dropout(0.2).consistencyCoefficient(2));
        return Stream.of(
                Arguments.of("llama", soup),
                Arguments.of("gemma2", sira.with(m -> m.consistencyCoefficient(2))),
                Arguments.of("llama", layers),
                Arguments.of("qwen3", Mixtures.of("moa")),
                Arguments.of("llama", sequences),
                Arguments.of("phi3", Mixtures.of("mode").with(m -> m.zCoefficient(.1))),
                Arguments.of("llama", lora),
                Arguments.of("mistral", lora.withDora(true)),
                Arguments.of("llama", sira),
                Arguments.of("gemma2", sira),
                Arguments.of("gpt2", sira));
    }

    /** What a step gave: gradients by name; each router's choices, those within capacity, and tokens. */
    private record Outcome(
            double loss,
            double auxiliaryLoss,
            int tokens,
            Map<String, Tensor> gradients,
            Map<String, List<Long>> routing) {}

    @ParameterizedTest
    @MethodSource("stepsOfDecoders")
    void cutsWorkersPackingAndCheckpointingChangeNothing(String family, AdapterSpec spec) throws IOException {
        try (var guard = Engine.enter(1);
                var scope = Scope.open();
                var model = AutoModel.decoder(model(family), ScalarType.Float);
                var adapter = Adapter.create("default", spec, model, RandomStream.of(2))) {
            randomise(adapter);
            var rows = LlamaLora.rows();
            var whole = Batch.of(rows, 0);
            var packed = Packing.pack(rows, ROW, 5);
            assertThat(packed).as("rows share").hasSizeLessThan(rows.size());
            var batch = Batch.packed(packed, 0);
            Function<Run, Outcome> run = how -> how.on(model, adapter, scope);

            var want = run.apply(new Run(List.of(whole), 1, false));
            assertThat(want.gradients())
                    .allSatisfy((name, gradient) ->
                            assertThat(gradient.norm().item_double()).as(name).isPositive());
            if (spec instanceof MixtureSpec mixture
                    && mixture.routing().capacityFactor().isPresent()) {
                assertThat(want.routing().values())
                        .as("capacity drops tokens")
                        .allMatch(counts -> counts.get(1) < counts.get(0));
            }
            for (var how : List.of(
                    new Run(LlamaLora.batches(rows, 4), 1, false),
                    new Run(LlamaLora.batches(rows, 1), 1, false),
                    new Run(List.of(whole), 2, false),
                    new Run(LlamaLora.batches(rows, 4), 2, false),
                    new Run(LlamaLora.batches(rows, 1), 2, false),
                    new Run(List.of(batch), 1, false),
                    new Run(List.of(batch), 2, false),
                    new Run(batch.split(packed.size()), 1, false),
                    new Run(List.of(whole), 1, true),
                    new Run(batch.split(2), 2, true))) {
                assertSame(run.apply(how), want, how.toString());
            }
        }
    }

    /** How a step is run. */
    private record Run(List<Batch> microBatches, int workers, boolean checkpointing) {
        Outcome on(DecoderModel model, Adapter adapter, Scope scope) {
            var task = new StepTask(model.lmHead(), TaskKind.CAUSAL_LM);
            try (var threads = new Workers(workers);
                    var step = new TrainingStep(
                            model,
                            List.of(task),
                            adapter.parameters(),
                            threads,
                            checkpointing,
                            Optional.empty(),
                            adapter.spec().consistency())) {
                var result = step.run(microBatches, RandomStream.of(4));
                var gradients = new LinkedHashMap<String, Tensor>();
                adapter.parameters()
                        .forEach(p -> gradients.put(
                                p.name(), scope.keep(step.gradients().of(p).clone())));
                return new Outcome(result.loss(), result.auxiliaryLoss(), result.tokens(), gradients, routing(result));
            }
        }

        @Override
        public String toString() {
            return microBatches.size() + " micro-batches of up to "
                    + microBatches.get(0).layout().segments().size() + " examples, " + workers + " workers"
                    + (checkpointing ? ", checkpointing" : "");
        }
    }

    private static Map<String, List<Long>> routing(TrainingStep.Result result) {
        var counts = new TreeMap<String, long[]>();
        for (var seen : result.observations()) {
            var sums = counts.computeIfAbsent(seen.module(), module -> new long[3]);
            sums[0] += Arrays.stream(seen.chosen()).sum();
            sums[1] += Arrays.stream(seen.kept()).sum();
            sums[2] += seen.tokens();
        }
        var routing = new TreeMap<String, List<Long>>();
        counts.forEach((module, sums) ->
                routing.put(module, Arrays.stream(sums).boxed().toList()));
        return routing;
    }

    private static void assertSame(Outcome actual, Outcome expected, String how) {
        assertThat(actual.loss()).as("loss, " + how).isCloseTo(expected.loss(), within(1e-5 * expected.loss()));
        assertThat(actual.auxiliaryLoss())
                .as("auxiliary loss, " + how)
                .isCloseTo(expected.auxiliaryLoss(), within(1e-5 * expected.auxiliaryLoss()));
        assertThat(actual.tokens()).as("tokens, " + how).isEqualTo(expected.tokens());
        assertThat(actual.routing()).as("routing, " + how).isEqualTo(expected.routing());
        expected.gradients()
                .forEach((name, gradient) ->
                        assertClose(name + ", " + how, actual.gradients().get(name), gradient, 1e-3, 1e-5));
    }

    private static void randomise(Adapter adapter) {
        adapter.parameters().stream().filter(p -> p.name().contains("lora_B")).forEach(p -> p.value()
                .copy_(Initialiser.normal(0.05, RandomStream.of(11).at(p.name()), p.shape())));
    }

    /** The model of a fixture; GPT-2's with the dropout that it was made with. */
    private Path model(String family) throws IOException {
        var fixture = Fixtures.path("models/" + family);
        if (!family.equals("gpt2")) {
            return fixture;
        }
        var config = (ObjectNode) Json.read(fixture.resolve("config.json"));
        config.put("embd_pdrop", 0.1).put("attn_pdrop", 0.1).put("resid_pdrop", 0.1);
        Files.writeString(folder.resolve("config.json"), Json.pretty(config));
        Files.copy(fixture.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        return folder;
    }
}
