package dev.espalier.adapter;

import static dev.espalier.Fixtures.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.Pooling;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class AdapterFolderTest {
    private static final Path PEFT = Fixtures.path("adapters/lora_cls");

    @TempDir
    private Path temporary;

    static List<AdapterSpec> specs() {
        var mixtures = Mixtures.all().values().stream().map(Mixtures.Method::defaults);
        return Stream.concat(mixtures, others().stream()).toList();
    }

    private static List<AdapterSpec> others() {
        return List.of(
                LoraSpec.defaults().withTargets(TargetModules.allLinear()).withRslora(true),
                LoraSpec.defaults()
                        .withPatterns(Map.of("value", 3), Map.of("layer.1.attention.self.query", 5.5))
                        .withInitialisation(LoraSpec.Initialisation.RANDOM),
                Mixtures.sira().with(m -> m.experts(5).topK(2).rank(3).capacityFactor(Optional.empty())),
                Mixtures.of("mola").with(m -> m.scorer(MixtureSpec.Scorer.LAYER)
                        .expertsByDepth(List.of())
                        .form(new RouterForm(RouterForm.Kind.MLP, 5, 1))),
                Mixtures.of("mode").with(m -> m.scorer(MixtureSpec.Scorer.SEQUENCE)
                        .form(new RouterForm(RouterForm.Kind.PROTOTYPE, 5, .3))),
                new HeadOnlySpec());
    }

    @ParameterizedTest
    @MethodSource("specs")
    void savedAndLoadedAgainGivesTheSameLogitsToTheBit(AdapterSpec spec) {
        double[] before;
        String saved;
        try (var base = new TinyModel();
                var adapter = Adapter.create("first", spec, base.model(), RandomStream.of(3))) {
            base.addHead("", 3);
            saved = spec.saved(adapter).method();
            TinyModel.scramble(adapter);
            before = base.logits();
            AdapterFolder.save(temporary.resolve("a"), adapter, base.model(), card(3));
        }
        try (var base = new TinyModel();
                var loaded = AdapterFolder.load(temporary.resolve("a"), base.model())) {
            assertThat(base.logits()).isEqualTo(before);
            assertThat(loaded.spec().method()).isEqualTo(saved);
            AdapterFolder.save(temporary.resolve("b"), loaded, base.model(), card(3));
        }
        assertThat(temporary.resolve("b").resolve(AdapterFolder.WEIGHTS))
                .hasSameBinaryContentAs(temporary.resolve("a").resolve(AdapterFolder.WEIGHTS));
        assertThat(temporary.resolve("b/adapter_config.json"))
                .hasSameTextualContentAs(temporary.resolve("a/adapter_config.json"));
    }

    @Test
    void specAndCardAreReadAsTheyWereWritten() {
        var spec = Mixtures.sira().with(m -> m.experts(5)
                .topK(2)
                .capacityFactor(Optional.empty())
                .capacityInEvaluation(true)
                .form(new RouterForm(RouterForm.Kind.PROTOTYPE, 7, .3))
                .rootGradient(true)
                .riemannianEpsilon(1e-4)
                .overlapCoefficient(.2)
                .biasedVariance(true)
                .targets(TargetModules.of("query").inLayers(List.of(1), List.of("layer"))));
        var heads = List.of(
                new SavedHead("a", "a", TaskKind.REGRESSION, List.of(), Pooling.MEAN),
                new SavedHead("b", "b", TaskKind.TOKEN_LABELS, List.of("O", "B-x"), Pooling.DEFAULT));
        var card = new AdapterCard("all-MiniLM-L6-v2", Optional.of(64), heads);
        try (var base = new TinyModel();
                var adapter = Adapter.create("first", spec, base.model(), RandomStream.of(3))) {
            for (var head : heads) {
                base.model().addHead(head.name(), head.kind(), head.outputs(), head.pooling(), RandomStream.of(1));
            }
            AdapterFolder.save(temporary.resolve("a"), adapter, base.model(), card);
        }
        try (var base = new TinyModel();
                var saved = AdapterFolder.open(temporary.resolve("a"));
                var loaded = saved.load("other", base.model())) {
            assertThat(saved.spec()).isEqualTo(spec);
            assertThat(saved.card()).isEqualTo(card);
            assertThat(base.model().heads()).containsOnlyKeys("a", "b");
            assertThat(loaded.deltas()).containsOnlyKeys("bert.encoder.layer.1.attention.self.query");
        }
    }

    @Test
    void rewritingPeftsFolderKeepsItsTensorsAndItsOtherKeys() throws IOException {
        var source = copy(config -> config.put("made_by", "somebody else"));
        try (var base = new TinyModel();
                var adapter = AdapterFolder.load(source, base.model())) {
            AdapterFolder.save(temporary.resolve("b"), adapter, base.model(), card(3));
        }
        var config = (ObjectNode) Json.read(temporary.resolve("b/adapter_config.json"));
        assertThat(config.path("made_by").stringValue()).isEqualTo("somebody else");
        var original = (ObjectNode) Json.read(PEFT.resolve("adapter_config.json"));
        // Ours: the modules we saved, and the name of the base.
        for (var ours : List.of("modules_to_save", "base_model_name_or_path")) {
            original.remove(ours);
            config.remove(ours);
        }
        config.remove("made_by");
        assertThat(config).isEqualTo(original);
        try (var a = SafetensorsFile.open(PEFT.resolve(AdapterFolder.WEIGHTS));
                var b = SafetensorsFile.open(temporary.resolve("b").resolve(AdapterFolder.WEIGHTS))) {
            assertThat(b.names()).isEqualTo(a.names());
            b.names().forEach(name -> assertThat(doubles(b.tensor(name))).isEqualTo(doubles(a.tensor(name))));
        }
    }

    @Test
    void newLoraFolderHasEveryKeyThatPeftWrites() {
        try (var base = new TinyModel();
                var adapter = Adapter.create("first", LoraSpec.defaults(), base.model(), RandomStream.of(3))) {
            base.addHead("", 3);
            AdapterFolder.save(temporary.resolve("a"), adapter, base.model(), card(3));
        }
        var ours = (ObjectNode) Json.read(temporary.resolve("a/adapter_config.json"));
        var pefts = (ObjectNode) Json.read(PEFT.resolve("adapter_config.json"));
        pefts.remove("peft_version");
        assertThat(ours.propertyNames()).isEqualTo(pefts.propertyNames());
        assertThat(ours.path("target_modules")).isEqualTo(pefts.path("target_modules"));
        assertThat(ours.path("task_type").stringValue()).isEqualTo("SEQ_CLS");
        assertThat(ours.path("modules_to_save")).isEqualTo(Json.mapper().readTree("[\"classifier\"]"));
    }

    @Test
    void adapterOfABodyWithoutHeadLoads() throws IOException {
        var folder = copy(config -> config.putNull("task_type"));
        rewrite(folder, tensors -> {
            for (var name : List.copyOf(tensors.keySet())) {
                var tensor = Objects.requireNonNull(tensors.remove(name));
                if (!name.contains("classifier")) {
                    tensors.put(name.replace("base_model.model.bert.", "base_model.model."), tensor);
                }
            }
        });
        try (var base = new TinyModel();
                var adapter = AdapterFolder.load(folder, base.model())) {
            assertThat(adapter.deltas()).hasSize(4);
            assertThat(base.model().heads()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "use_qalora, true",
        "lora_bias, true",
        "bias, '\"all\"'",
        "alora_invocation_tokens, '[1, 2]'",
        "init_lora_weights, '\"pissa\"'",
        "peft_type, '\"LOHA\"'",
        "r, '\"four\"'",
        "lora_dropout, 1.5"
    })
    void whatIsNotSupportedIsNamed(String key, String value) throws IOException {
        var folder = copy(config -> config.set(key, Json.mapper().readTree(value)));
        assertThatThrownBy(() -> AdapterFolder.open(folder))
                .isInstanceOf(InputException.class)
                .hasMessageContainingAll(folder.resolve("adapter_config.json").toString(), key);
    }

    @ParameterizedTest
    @CsvSource({
        "r, 0, 'must be greater than 0, not 0.'",
        "r, -3, 'must be greater than 0, not -3.'",
        "lora_alpha, 0, 'must be greater than 0, not 0.'",
        "lora_dropout, 1.5, 'must be at least 0 and below 1, not 1.5.'"
    })
    void aValueOutOfRangeIsNamedByFileAndKey(String key, double value, String sentence) throws IOException {
        var folder = copy(config -> config.set(key, Json.mapper().valueToTree(LoraFormat.number(value))));
        assertThatThrownBy(() -> AdapterFolder.open(folder))
                .isInstanceOf(InputException.class)
                .hasMessage(folder.resolve("adapter_config.json") + ", key '" + key + "' " + sentence);
    }

    @Test
    void theBaseThatAnAdapterIsOfAndTheModelThatIsNotItAreNamed() throws IOException {
        var folder = copy(
                config -> config.put("base_model_name_or_path", "their/base").put("r", 5));
        assertFails(folder, "the adapter was trained on 'their/base', and the model here is ", "[4, 64]", "[5, 64]");
        var file = folder.resolve("adapter_config.json");
        Files.writeString(file, Files.readString(file).replace("their/base", ""));
        assertFails(folder, "does not say what it was trained on, and the model here is ");
    }

    @Test
    void wrongShapeNamesTensorAndBothShapes() throws IOException {
        var folder = copy(config -> config.put("r", 5));
        assertFails(folder, "layer.0.attention.self.query.lora_A.weight", "[4, 64]", "[5, 64]");
    }

    @Test
    void missingTensorIsNamed() throws IOException {
        var missing = "base_model.model.bert.encoder.layer.1.attention.self.value.lora_B.weight";
        var folder = copy(config -> {});
        rewrite(folder, tensors -> tensors.remove(missing));
        assertFails(folder, missing, "[64, 4]");
    }

    @Test
    void tensorWithoutPlaceInTheModelIsNamed() throws IOException {
        var folder = copy(config -> config.set("target_modules", Json.mapper().readTree("[\"query\"]")));
        assertFails(folder, "attention.self.value.lora_A.weight", "[4, 64]");
    }

    @Test
    void failedLoadLeavesTheModelAsItWas() throws IOException {
        var folder = copy(config -> config.set("target_modules", Json.mapper().readTree("[\"query\"]")));
        try (var base = new TinyModel()) {
            base.addHead("", 3);
            var before = base.logits();
            assertThatThrownBy(() -> AdapterFolder.load(folder, base.model())).isInstanceOf(InputException.class);
            assertThat(base.model().linears().values())
                    .allMatch(linear -> linear.deltas().isEmpty());
            assertThat(base.logits()).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"adapter_config.json", "adapter_model.safetensors"})
    void folderWithoutAFileIsNamed(String file) throws IOException {
        var folder = copy(config -> {});
        Files.delete(folder.resolve(file));
        assertThatThrownBy(() -> AdapterFolder.open(folder))
                .isInstanceOf(InputException.class)
                .hasMessageContaining(file);
    }

    private void assertFails(Path folder, String... parts) {
        try (var base = new TinyModel()) {
            assertThatThrownBy(() -> AdapterFolder.load(folder, base.model()))
                    .isInstanceOf(InputException.class)
                    .hasMessageContainingAll(parts);
        }
    }

    /** PEFT's folder with another config. */
    private Path copy(Consumer<ObjectNode> change) throws IOException {
        var folder = Files.createDirectory(temporary.resolve("copy"));
        Files.copy(PEFT.resolve(AdapterFolder.WEIGHTS), folder.resolve(AdapterFolder.WEIGHTS));
        var config = (ObjectNode) Json.read(PEFT.resolve("adapter_config.json"));
        change.accept(config);
        Files.writeString(folder.resolve("adapter_config.json"), Json.pretty(config));
        return folder;
    }

    private static void rewrite(Path folder, Consumer<Map<String, Tensor>> change) {
        var path = folder.resolve(AdapterFolder.WEIGHTS);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (var scope = Scope.open();
                var file = SafetensorsFile.open(path)) {
            file.names().forEach(name -> tensors.put(name, file.tensor(name).clone()));
            change.accept(tensors);
            Safetensors.write(path, tensors, Map.of());
        }
    }

    private static AdapterCard card(int labels) {
        var names = new ArrayList<String>();
        for (int i = 0; i < labels; i++) {
            names.add("label " + i);
        }
        var head = new SavedHead("", "task", TaskKind.SINGLE_LABEL, names, Pooling.DEFAULT);
        return new AdapterCard("base", Optional.empty(), List.of(head));
    }
}
