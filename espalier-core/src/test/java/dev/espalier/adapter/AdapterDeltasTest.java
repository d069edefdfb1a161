package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.model.LanguageModel;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OnEngine.class)
class AdapterDeltasTest {
    @TempDir
    private Path temporary;

    private static LanguageModel model(String name) {
        return AutoModel.open(Fixtures.path("models/" + name), ScalarType.Float);
    }

    @ParameterizedTest
    @CsvSource({
        "lora_qv, llama",
        "lora_all_rslora, llama",
        "lora_patterns, llama",
        "lora_embed, llama",
        "lora_fanin, gpt2",
        "lora_fused, phi3",
        "lora_cls, bert_cls",
        "dora, llama",
        "ia3, llama",
        "vera, llama",
        "adalora, llama",
        "pissa, llama",
        "shira, llama"
    })
    void theBaseAndTheChangeAreTheAdaptersMergedWeight(String adapter, String base) {
        var folder = Fixtures.path("adapters/" + adapter);
        folder = adapter.equals("adalora") ? folder.resolve("trained") : folder;
        try (var model = model(base);
                var other = model(base);
                var loaded = AdapterFolder.load(folder, other);
                var deltas = AdapterDeltas.open(adapter, folder, model, Map.of())) {
            assertThat(deltas.shapes()).isNotEmpty();
            int changed = 0;
            for (var parameter : model.parameters().values()) {
                var name = parameter.name();
                assertThat(deltas.shapes().containsKey(name)).as(name).isEqualTo(loaded.changes(name));
                if (deltas.shapes().containsKey(name)) {
                    var value = parameter.value();
                    var sum = value.add(deltas.stored(name, model));
                    Fixtures.assertClose(name, sum, loaded.merged(name, value), 1e-5, 1e-6);
                    changed += sum.equal(value) ? 0 : 1;
                }
            }
            assertThat(changed).isPositive();
        }
    }

    @Test
    void aMixtureIsTheMeanOfItsExpertsOrWeighedByGatesThatAreGiven() {
        var folder = save(Mixtures.of("mola")
                .with(m -> m.expertsByDepth(List.of()).experts(3).topK(2).rank(2)));
        var path = "bert.encoder.layer.0.attention.self.query";
        var gates = Map.of(path, new float[] {.5f, 0, .25f});
        try (var model = model("bert_cls");
                var soup = AdapterDeltas.open("soup", folder, model, Map.of());
                var other = model("bert_cls");
                var routed = AdapterDeltas.open("routed", folder, other, gates);
                var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            var a = file.tensor(SavedTensors.PREFIX + path + ".experts.lora_A.weight");
            var b = file.tensor(SavedTensors.PREFIX + path + ".experts.lora_B.weight");
            double scaling =
                    ((MixtureSpec) AdapterFolder.open(folder).spec()).experts().alpha() / 2;
            Fixtures.assertClose(
                    "soup", soup.delta(path + ".weight").dense(), sum(a, b, scaling / 3, 1, 1, 1), 1e-5, 1e-6);
            Fixtures.assertClose(
                    "gates", routed.delta(path + ".weight").dense(), sum(a, b, scaling, .5, 0, .25), 1e-5, 1e-6);
        }
    }

    private static Tensor sum(Tensor a, Tensor b, double scaling, double... gates) {
        var sum = b.select(0, 0).mm(a.select(0, 0)).mul(new Scalar(0.0));
        for (int e = 0; e < gates.length; e++) {
            sum = sum.add(b.select(0, e).mm(a.select(0, e)).mul(new Scalar(gates[e] * scaling)));
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(strings = {"mov", "goat", "hydralora", "mode", "smora", "loramoe"})
    void everyMixtureOfLinearExpertsHasAChange(String method) {
        var spec = Mixtures.of(method);
        var small = spec.experts().count() > 16 ? spec.with(m -> m.experts(8).topK(4)) : spec;
        try (var model = model("bert_cls");
                var deltas = AdapterDeltas.open(method, save(small), model, Map.of())) {
            for (var weight : deltas.shapes().keySet()) {
                assertThat(deltas.delta(weight).dense().abs().max().item_double())
                        .isPositive();
            }
        }
    }

    @Test
    void expertsThatAreNotLinearAreRefused() {
        var folder = save(Mixtures.of("moa"));
        try (var model = model("bert_cls")) {
            assertThatThrownBy(() -> AdapterDeltas.open("bottleneck", folder, model, Map.of()))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("'bottleneck' of method 'moa'")
                    .hasMessageContaining("no change of its weight");
        }
    }

    @Test
    void trainedCopiesAreCopyMinusBase() {
        var whole = LoraSpec.defaults().withModulesToSave(List.of("attention.output.dense"));
        var folder = save(whole);
        try (var model = model("bert_cls");
                var deltas = AdapterDeltas.open("whole", folder, model, Map.of());
                var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            for (var key : List.of("weight", "bias")) {
                var name = "bert.encoder.layer.1.attention.output.dense." + key;
                var own = Objects.requireNonNull(model.parameters().get(name)).value();
                var expected = file.tensor(SavedTensors.PREFIX + name).sub(own);
                assertThat(deltas.delta(name).dense().equal(expected)).isTrue();
            }
        }
    }

    @Test
    void headsAreThereByTheirPlainNames() {
        try (var model = model("bert_cls");
                var deltas = AdapterDeltas.open("a", Fixtures.path("adapters/lora_cls"), model, Map.of())) {
            var head = deltas.card().heads().get(0);
            assertThat(deltas.head(head)).containsOnlyKeys("classifier.weight", "classifier.bias");
        }
    }

    @Test
    void anotherBaseIsRefusedWithModuleAndBothShapes() {
        try (var model = model("qwen3")) {
            assertThatThrownBy(() -> AdapterDeltas.open("a", Fixtures.path("adapters/lora_qv"), model, Map.of()))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("model.layers.0.self_attn.q_proj.lora_B.weight")
                    .hasMessageContaining("[64, 4]")
                    .hasMessageContaining("[96, 4]");
        }
    }

    @Test
    void whatIsNotFiniteIsNamedWithItsAdapter() throws IOException {
        var source = Fixtures.path("adapters/lora_qv");
        var broken = Files.createDirectory(temporary.resolve("broken"));
        Files.copy(source.resolve("adapter_config.json"), broken.resolve("adapter_config.json"));
        try (var file = SafetensorsFile.open(source.resolve(AdapterFolder.WEIGHTS))) {
            var tensors = new LinkedHashMap<String, Tensor>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name).clone()));
            var name = file.names().stream().sorted().findFirst().orElseThrow();
            Objects.requireNonNull(tensors.get(name)).view(-1).select(0, 1).fill_(new Scalar(Double.NaN));
            Safetensors.write(broken.resolve(AdapterFolder.WEIGHTS), tensors, Map.of());
            try (var model = model("llama")) {
                assertThatThrownBy(() -> AdapterDeltas.open("mine", broken, model, Map.of()))
                        .isInstanceOf(InputException.class)
                        .hasMessageContaining("'" + name + "' of adapter 'mine'")
                        .hasMessageContaining("NaN");
            }
        }
    }

    /** A new adapter with random values in all of its weights, on the small BERT. */
    private Path save(AdapterSpec spec) {
        var folder = temporary.resolve("saved");
        try (var model = model("bert_cls");
                var adapter = Adapter.create("default", spec, model, RandomStream.of(7))) {
            for (var p : adapter.parameters()) {
                var value = p.value();
                value.copy_(Initialiser.normal(.2, RandomStream.of(11).at(p.name()), p.shape()));
            }
            AdapterFolder.save(folder, adapter, model, new AdapterCard("base", Optional.empty(), List.of()));
        }
        return folder;
    }
}
