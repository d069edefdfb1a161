package dev.espalier.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.json.Json;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Adapters that PEFT saved, loaded here: the same numbers, the same training, the same files. */
class PeftFixtureTest {
    @TempDir
    private Path temporary;

    static List<String> ofDecoders() {
        return List.of(
                "lora_qv",
                "lora_all_rslora",
                "lora_patterns",
                "lora_fanin",
                "lora_fused",
                "dora",
                "lora_embed",
                "lora_embed_tied",
                "ia3",
                "vera",
                "shira");
    }

    static Stream<String> adapters() {
        return Stream.concat(Stream.of("lora_cls"), ofDecoders().stream());
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void logitsLossAndGradientsArePefts(String name) {
        try (var run = new AdapterRun(name)) {
            run.meetsGradients();
            assertThat(run.trainedWeights())
                    .isEqualTo(run.notes().path("trainable").asLong());
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void twentyStepsOfAdamWFollowPeftsCurve(String name) {
        // Adam makes a full step of a gradient of 1e-8. With 28 factors some have one whose sign fp32 does not tell.
        var dtype = name.equals("lora_all_rslora") ? ScalarType.Double : ScalarType.Float;
        try (var run = new AdapterRun(name, dtype)) {
            run.meetsCurve(1e-4, step -> {});
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    @ValueSource(strings = "adalora")
    void mergedWeightsArePefts(String name) {
        try (var run = new AdapterRun(name)) {
            run.meetsMerged();
        }
    }

    @ParameterizedTest
    @MethodSource("ofDecoders")
    @ValueSource(strings = "adalora")
    void writtenAgainTheFolderHasTheSameTensorsAndConfig(String name) {
        var folder = temporary.resolve(name);
        try (var run = new AdapterRun(name);
                var saved = AdapterFolder.open(run.folder())) {
            AdapterFolder.save(folder, run.adapter(), run.model(), saved.card());
            assertThat(config(folder)).isEqualTo(config(run.folder()));
            assertThat(tensors(folder)).isEqualTo(tensors(run.folder()));
        }
    }

    /** A new adapter of a loaded one's spec writes what PEFT writes: nothing is copied from a config that was read. */
    @ParameterizedTest
    @ValueSource(strings = {"lora_qv", "lora_patterns", "lora_fanin", "lora_fused", "dora", "ia3", "vera", "adalora"})
    void newAdapterOfTheSameSpecHasThePeftsConfigAndShapes(String name) {
        var folder = temporary.resolve(name);
        try (var run = new AdapterRun(name);
                var saved = AdapterFolder.open(run.folder());
                var fresh = Adapter.create("fresh", saved.spec(), run.model(), RandomStream.of(1))) {
            AdapterFolder.save(folder, fresh, run.model(), saved.card());
            var want = config(run.folder());
            want.remove("peft_version");
            assertThat(config(folder)).isEqualTo(want);
            try (var a = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS));
                    var b = SafetensorsFile.open(run.folder().resolve(AdapterFolder.WEIGHTS))) {
                assertThat(a.names()).isEqualTo(b.names());
                a.names().forEach(key -> assertThat(a.info(key).shape())
                        .isEqualTo(b.info(key).shape()));
            }
        }
    }

    static ObjectNode config(Path folder) {
        return (ObjectNode) Json.read(folder.resolve("adapter_config.json"));
    }

    /** PEFT stores a frozen copy of an adapted embedding, which nothing needs. */
    static Map<String, List<Double>> tensors(Path folder) {
        var tensors = new LinkedHashMap<String, List<Double>>();
        try (var scope = Scope.open();
                var file = SafetensorsFile.open(folder.resolve(AdapterFolder.WEIGHTS))) {
            for (var key : file.names()) {
                if (!key.endsWith(".base_layer.weight")) {
                    var values = new ArrayList<Double>();
                    for (double value : Fixtures.doubles(file.tensor(key))) {
                        values.add(value);
                    }
                    tensors.put(key + file.info(key).shape(), values);
                }
            }
        }
        return tensors;
    }
}
