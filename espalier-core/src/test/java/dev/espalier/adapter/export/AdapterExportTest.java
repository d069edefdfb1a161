package dev.espalier.adapter.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.Fixtures;
import dev.espalier.OnEngine;
import dev.espalier.adapter.Adapter;
import dev.espalier.adapter.AdapterCard;
import dev.espalier.adapter.AdapterCard.SavedHead;
import dev.espalier.adapter.AdapterFolder;
import dev.espalier.adapter.AdapterSpec;
import dev.espalier.adapter.LoraSpec;
import dev.espalier.adapter.Mixtures;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.data.CausalOptions;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.model.Pooling;
import dev.espalier.model.auto.AutoModel;
import dev.espalier.tensor.Initialiser;
import dev.espalier.tensor.RandomStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(OnEngine.class)
class AdapterExportTest {
    private static final Probe PROBE = new Probe(List.of(new int[] {1, 17, 42, 99, 200, 7}, new int[] {5, 5, 80}));

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @CsvSource({
        "lora_qv, llama",
        "dora, llama",
        "lora_embed, llama",
        "lora_embed_tied, llama3_tied",
        "lora_fanin, gpt2",
        "lora_fused, phi3",
        "lora_cls, bert_cls"
    })
    void mergedFolderGivesTheAdaptedModelsLogits(String adapter, String base) {
        var target = temporary.resolve("merged");
        var report = AdapterExport.merged(adapterFolder(adapter), model(base), target, PROBE);
        assertThat(report.exact()).isLessThan(2e-5);
        assertThat(report.rounded()).isLessThan(2e-5);
        // By hand as well: the report must not be what is wrong.
        try (var original = AutoModel.open(model(base), ScalarType.Float);
                var loaded = AdapterFolder.load(adapterFolder(adapter), original);
                var merged = AutoModel.open(target, ScalarType.Float)) {
            if (merged.heads().isEmpty()) {
                merged.addHead("", TaskKind.SINGLE_LABEL, 3, Pooling.DEFAULT, RandomStream.of(1));
            }
            var adapted = PROBE.outputs(original);
            assertThat(Probe.difference(adapted, PROBE.outputs(merged))).isLessThan(2e-5);
            loaded.disable();
            assertThat(Probe.difference(adapted, PROBE.outputs(original))).isGreaterThan(1e-2);
        }
    }

    @Test
    void anAdaptedEmbeddingIsUntiedFromItsHead() {
        var target = temporary.resolve("merged");
        AdapterExport.merged(adapterFolder("lora_embed_tied"), model("llama3_tied"), target, PROBE);
        assertThat(Json.read(target.resolve("config.json"))
                        .path("tie_word_embeddings")
                        .booleanValue())
                .isFalse();
        try (var merged = CheckpointFolder.open(target);
                var base = CheckpointFolder.open(model("llama3_tied"))) {
            var embeddings = base.tensor("model.embed_tokens.weight");
            assertThat(merged.tensor("lm_head.weight").equal(embeddings)).isTrue();
            assertThat(merged.tensor("model.embed_tokens.weight").equal(embeddings))
                    .isFalse();
        }
    }

    @Test
    void shardsDtypesAndFilesAreThoseOfTheBaseAndRoundingIsReported() throws IOException {
        var base = temporary.resolve("base");
        copy(model("llama_bf16_sharded"), base);
        Files.writeString(base.resolve("chat_template.jinja"), "{{ messages }}");
        var target = temporary.resolve("merged");
        var report = AdapterExport.merged(adapterFolder("lora_qv"), base, target, PROBE);
        assertThat(report.exact()).isLessThan(2e-5);
        assertThat(report.rounded()).isBetween(1e-4, .1);
        assertThat(target.resolve("chat_template.jinja")).hasContent("{{ messages }}");
        var index = "model.safetensors.index.json";
        assertThat(Json.read(target.resolve(index))).isEqualTo(Json.read(base.resolve(index)));
        try (var a = CheckpointFolder.open(base);
                var b = CheckpointFolder.open(target)) {
            assertThat(b.names()).containsExactlyInAnyOrderElementsOf(a.names());
            for (var name : a.names()) {
                assertThat(b.info(name)).isEqualTo(a.info(name));
                assertThat(b.fileOf(name).getFileName())
                        .isEqualTo(a.fileOf(name).getFileName());
                assertThat(b.tensor(name).equal(a.tensor(name)))
                        .as(name)
                        .isEqualTo(!name.matches(".*\\.(q|v)_proj\\.weight"));
            }
        }
    }

    @Test
    void trainedHeadAndItsLabelsAreInTheMergedFolder() {
        var target = temporary.resolve("merged");
        var adapter = save("bert_cls", LoraSpec.defaults(), head(TaskKind.MULTI_LABEL, "a", "b", "c"));
        AdapterExport.merged(adapter, model("bert_cls"), target, PROBE);
        var config = Json.read(target.resolve("config.json"));
        assertThat(config.path("architectures").path(0).stringValue()).isEqualTo("BertForSequenceClassification");
        assertThat(config.path("problem_type").stringValue()).isEqualTo("multi_label_classification");
        assertThat(config.path("id2label").path("2").stringValue()).isEqualTo("c");
        assertThat(config.path("label2id").path("b").intValue()).isEqualTo(1);
    }

    @Test
    void expertsCannotBeMergedNorWrittenForOthersAndTheTargetStaysAsItWas() throws IOException {
        var adapter = save("llama", Mixtures.sira().with(m -> m.experts(4).topK(2)), head(TaskKind.CAUSAL_LM));
        var target = Files.createDirectory(temporary.resolve("kept"));
        Files.writeString(target.resolve("note.txt"), "mine");
        assertThatThrownBy(() -> AdapterExport.merged(adapter, model("llama"), target, PROBE))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("merged");
        assertThatThrownBy(() -> AdapterExport.peft(adapter, model("llama"), target))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'sira'");
        assertThatThrownBy(() -> AdapterExport.gguf(adapter, model("llama"), target.resolve("a.gguf")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'sira'");
        assertThat(target.resolve("note.txt")).hasContent("mine");
        assertThat(Files.list(target)).hasSize(1);
    }

    @Test
    void adapterOfAnotherBaseNamesTheFirstMismatch() {
        assertThatThrownBy(() -> AdapterExport.merged(
                        adapterFolder("lora_all_rslora"), model("qwen3"), temporary.resolve("m"), PROBE))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("model.layers.0.self_attn.q_proj.lora_B.weight")
                .hasMessageContaining("[96, 6]")
                .hasMessageContaining("[64, 6]");
        assertThat(temporary.resolve("m")).doesNotExist();
    }

    @Test
    void ggufIsWrittenOfLoraAndRefusedForDoraByName() {
        var file = temporary.resolve("a.gguf");
        AdapterExport.gguf(adapterFolder("lora_qv"), model("llama"), file);
        assertThat(file).isNotEmptyFile();
        assertThatThrownBy(() -> AdapterExport.gguf(adapterFolder("dora"), model("llama"), temporary.resolve("b.gguf")))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("lora_magnitude_vector");
    }

    @Test
    void theChatTemplateOfTheAdapterGoesAlongInPlaceOfTheBases() throws IOException {
        var base = temporary.resolve("base");
        copy(model("llama"), base);
        Files.writeString(base.resolve("chat_template.jinja"), "of the base");
        var template = Files.writeString(temporary.resolve("own.jinja"), "of the adapter");
        var trainedWith = CausalOptions.DEFAULT.withTemplate(template.toString());
        var head = new SavedHead("", "task", TaskKind.CAUSAL_LM, List.of(), Pooling.DEFAULT, Optional.of(trainedWith));
        var adapter = save("llama", LoraSpec.defaults(), head);

        AdapterExport.merged(adapter, base, temporary.resolve("merged"), PROBE);

        assertThat(temporary.resolve("merged/chat_template.jinja")).hasContent("of the adapter");
    }

    @Test
    void peftFolderLoadsAgain() {
        AdapterExport.peft(adapterFolder("dora"), model("llama"), temporary.resolve("peft"));
        try (var base = AutoModel.open(model("llama"), ScalarType.Float);
                var first = AdapterFolder.load(adapterFolder("dora"), base)) {
            var want = PROBE.outputs(base);
            first.detach();
            try (var second = AdapterFolder.load(temporary.resolve("peft"), base)) {
                assertThat(second.deltas()).hasSize(8);
                assertThat(Probe.difference(want, PROBE.outputs(base))).isZero();
            }
        }
    }

    private static Path adapterFolder(String name) {
        return Fixtures.path("adapters/" + name);
    }

    private static Path model(String name) {
        return Fixtures.path("models/" + name);
    }

    private static SavedHead head(TaskKind kind, String... labels) {
        return new SavedHead("", "task", kind, List.of(labels), Pooling.DEFAULT);
    }

    /** An adapter whose weights are not zero. */
    private Path save(String base, AdapterSpec spec, SavedHead head) {
        var folder = temporary.resolve("adapter");
        try (var model = AutoModel.open(model(base), ScalarType.Float);
                var adapter = Adapter.create("a", spec, model, RandomStream.of(1))) {
            if (!model.heads().containsKey("")) {
                model.addHead("", head.kind(), head.outputs(), Pooling.DEFAULT, RandomStream.of(2));
            }
            adapter.parameters().forEach(p -> p.value()
                    .copy_(Initialiser.normal(.1, RandomStream.of(3).at(p.name()), p.shape())));
            AdapterFolder.save(folder, adapter, model, new AdapterCard("base", Optional.empty(), List.of(head)));
        }
        return folder;
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectory(to);
        try (var files = Files.list(from)) {
            for (var file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }
}
