package dev.espalier.adapter.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.Fixtures;
import dev.espalier.checkpoint.GgufReader;
import dev.espalier.checkpoint.SafetensorsFile;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the file adds to the base model's weights, worked out as llama.cpp does, against PEFT's merged weights. */
class GgufLoraTest {
    private static final GgufLora.Base LLAMA = new GgufLora.Base("llama", 4, 2, false);
    private static final GgufLora.Base GPT2 = new GgufLora.Base("gpt2", 4, 4, true);

    private static final List<String> MERGED =
            List.of("model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj");

    @TempDir
    Path folder;

    private final Scope scope = Scope.open();

    @AfterEach
    void free() {
        scope.close();
    }

    /** The tensors of an adapter fixture, copied so that the file can be closed. */
    private static Map<String, Tensor> tensors(String name) {
        return copies(Fixtures.tensors("adapters/" + name + "/adapter_model.safetensors"));
    }

    private static Map<String, Tensor> copies(SafetensorsFile opened) {
        try (var file = opened) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name).clone()));
            return tensors;
        }
    }

    private GgufReader written(GgufLora.Base base, List<LoraModule> modules) throws IOException {
        GgufLora.write(folder.resolve("adapter.gguf"), base, modules, ScalarType.Float);
        return GgufReader.read(folder.resolve("adapter.gguf"));
    }

    private static double alpha(GgufReader file) {
        return (float) file.metadata().getOrDefault("adapter.lora.alpha", Float.NaN);
    }

    /** {@code alpha / rank * B A}, row-major {@code [out][in]}. */
    private static double[][] delta(GgufReader file, String weight) {
        var a = stored(file, weight + ".lora_a");
        var b = stored(file, weight + ".lora_b");
        int in = a.dimensions().get(0).intValue();
        int rank = a.dimensions().get(1).intValue();
        int out = b.dimensions().get(1).intValue();
        assertThat(b.dimensions().get(0)).isEqualTo(rank);
        var av = a.values();
        var bv = b.values();
        var delta = new double[out][in];
        for (int row = 0; row < out; row++) {
            for (int column = 0; column < in; column++) {
                for (int k = 0; k < rank; k++) {
                    delta[row][column] += alpha(file) / rank * bv[row * rank + k] * av[k * in + column];
                }
            }
        }
        return delta;
    }

    private static GgufReader.Stored stored(GgufReader file, String name) {
        var tensor = file.tensors().get(name);
        if (tensor == null) {
            throw new AssertionError("no " + name + " among " + file.tensors().keySet());
        }
        return tensor;
    }

    /** Undoes llama.cpp's order: row 2i + j of a head is the i-th of Hugging Face's half j. */
    private static double[][] halves(double[][] rows, int heads) {
        int size = rows.length / heads;
        var halves = new double[rows.length][];
        for (int row = 0; row < rows.length; row++) {
            int within = row % size;
            halves[row - within + within % 2 * (size / 2) + within / 2] = rows[row];
        }
        return halves;
    }

    private static void assertAdds(LoraModule module, double[][] delta) {
        var expected = module.b().to(ScalarType.Double).matmul(module.a().to(ScalarType.Double));
        assertClose(module.path(), delta, expected.mul(new Scalar(module.scaling())));
    }

    /** The fixtures have the merged weights of two modules each. */
    private static void assertMerges(String adapter, String model, String path, double[][] delta) {
        try (var expected = Fixtures.tensors("adapters/" + adapter + "/expected.safetensors");
                var base = Fixtures.tensors("models/" + model + "/model.safetensors")) {
            var merged = expected.tensor("merged." + path + ".weight").to(ScalarType.Double);
            var difference = merged.sub(base.tensor(path + ".weight").to(ScalarType.Double));
            assertClose("merged " + path, delta, model.equals("gpt2") ? difference.t() : difference);
        }
    }

    private static void assertClose(String what, double[][] delta, Tensor expected) {
        var flat = Fixtures.doubles(expected);
        assertThat(delta.length * delta[0].length).as(what).isEqualTo(flat.length);
        for (int row = 0; row < delta.length; row++) {
            for (int column = 0; column < delta[row].length; column++) {
                assertThat(delta[row][column])
                        .as("%s [%s, %s]", what, row, column)
                        .isCloseTo(flat[row * delta[row].length + column], within(2e-6));
            }
        }
    }

    private static double patterns(String path) {
        double alpha = path.equals("model.layers.0.self_attn.q_proj") ? 16 : path.endsWith("down_proj") ? 3 : 8;
        double rank = path.equals("model.layers.1.mlp.down_proj") ? 6 : path.endsWith("v_proj") ? 2 : 4;
        return alpha / rank;
    }

    @ParameterizedTest
    @CsvSource({"lora_patterns", "lora_all_rslora"})
    void anAdapterOfLlamaAddsWhatPeftMerges(String name) throws IOException {
        ToDoubleFunction<String> scaling =
                name.equals("lora_patterns") ? GgufLoraTest::patterns : path -> 3 / Math.sqrt(6);
        var modules = LoraModule.of(tensors(name), scaling);

        var file = written(LLAMA, modules);

        assertThat(file.metadata())
                .containsEntry("general.architecture", "llama")
                .containsEntry("general.type", "adapter")
                .containsEntry("adapter.type", "lora");
        assertThat(file.tensors()).hasSize(2 * modules.size());
        Map<String, String> names = Map.of(
                "q_proj", "attn_q",
                "k_proj", "attn_k",
                "v_proj", "attn_v",
                "o_proj", "attn_output",
                "gate_proj", "ffn_gate",
                "up_proj", "ffn_up",
                "down_proj", "ffn_down");
        for (var module : modules) {
            var parts = module.path().split("\\.");
            var projection = parts[parts.length - 1];
            var delta = delta(file, "blk." + parts[2] + "." + names.get(projection) + ".weight");
            var rows =
                    switch (projection) {
                        case "q_proj" -> halves(delta, 4);
                        case "k_proj" -> halves(delta, 2);
                        default -> delta;
                    };
            assertAdds(module, rows);
            if (MERGED.contains(module.path())) {
                assertMerges(name, "llama", module.path(), rows);
            }
        }
    }

    @Test
    void anAdapterOfGpt2AddsWhatPeftMerges() throws IOException {
        var modules = LoraModule.of(tensors("lora_fanin"), path -> 2);
        var file = written(GPT2, modules);
        assertThat(file.metadata()).containsEntry("general.architecture", "gpt2");
        assertThat(modules).hasSize(6);
        for (var module : modules) {
            var parts = module.path().split("\\.", 4);
            var names = Map.of("attn.c_attn", "attn_qkv", "attn.c_proj", "attn_output", "mlp.c_proj", "ffn_down");
            assertAdds(module, delta(file, "blk." + parts[2] + "." + names.get(parts[3]) + ".weight"));
        }
        assertMerges("lora_fanin", "gpt2", "transformer.h.0.attn.c_attn", delta(file, "blk.0.attn_qkv.weight"));
        assertMerges("lora_fanin", "gpt2", "transformer.h.1.mlp.c_proj", delta(file, "blk.1.ffn_down.weight"));
    }

    private static LoraModule module(String path, double scaling) {
        return new LoraModule(path, torch.ones(2, 8), torch.ones(8, 2), scaling);
    }

    @Test
    void aSharedAlphaLeavesBAsItIs() throws IOException {
        var file = written(LLAMA, List.of(module("model.layers.11.mlp.down_proj", 4), module("lm_head", 4)));
        assertThat(alpha(file)).isEqualTo(8);
        assertThat(file.tensors().keySet())
                .containsExactly(
                        "blk.11.ffn_down.weight.lora_a",
                        "blk.11.ffn_down.weight.lora_b",
                        "output.weight.lora_a",
                        "output.weight.lora_b");
        assertThat(stored(file, "output.weight.lora_b").values()).containsOnly(1);
    }

    @Test
    void aModuleThatAddsNothingStillAddsNothing() throws IOException {
        var modules = List.of(module("model.layers.0.mlp.up_proj", 0), module("model.layers.0.mlp.down_proj", 0.5));
        assertThat(stored(written(LLAMA, modules), "blk.0.ffn_up.weight.lora_b").values())
                .containsOnly(0);
        var all = written(LLAMA, modules.subList(0, 1));
        assertThat(alpha(all)).isNotZero(); // llama.cpp takes 0 for a scale of 1
        assertThat(stored(all, "blk.0.ffn_up.weight.lora_b").values()).containsOnly(0);
    }

    @ParameterizedTest
    @CsvSource({
        "mistral, llama, model.layers.0.self_attn.o_proj, attn_output",
        "qwen2, qwen2, model.layers.0.self_attn.q_proj, attn_q",
        "qwen3, qwen3, model.layers.0.self_attn.k_proj, attn_k",
        "phi3, phi3, model.layers.0.self_attn.qkv_proj, attn_qkv",
        "phi3, phi3, model.layers.0.mlp.gate_up_proj, ffn_up",
        "gemma2, gemma2, model.layers.0.mlp.gate_proj, ffn_gate",
        "gemma3_text, gemma3, model.layers.0.self_attn.k_proj, attn_k",
        "gpt2, gpt2, transformer.h.0.mlp.c_fc, ffn_up"
    })
    void otherFamiliesKeepTheirRowsAndHaveTheirOwnNames(String modelType, String architecture, String path, String name)
            throws IOException {
        var rows = torch.arange(new Scalar(16)).to(ScalarType.Float).view(8, 2);
        var file = written(
                new GgufLora.Base(modelType, 2, 2, true), List.of(new LoraModule(path, torch.ones(2, 8), rows, 1)));
        assertThat(file.metadata()).containsEntry("general.architecture", architecture);
        assertThat(stored(file, "blk.0." + name + ".weight.lora_b").values()).isEqualTo(Fixtures.doubles(rows));
    }

    @Test
    void rowsOfAHeadAreInterleaved() throws IOException {
        var rows = torch.arange(new Scalar(8)).to(ScalarType.Float).view(8, 1);
        var module = new LoraModule("model.layers.0.self_attn.q_proj", torch.ones(1, 4), rows, 1);
        var file = written(new GgufLora.Base("llama", 2, 1, false), List.of(module));
        assertThat(stored(file, "blk.0.attn_q.weight.lora_b").values()).containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
    }

    @Test
    void whatLlamaCppCannotHoldIsSaid() {
        assertMessage(() -> LoraModule.of(tensors("dora"), path -> 1), "a magnitude of DoRA");
        assertMessage(() -> LoraModule.of(tensors("lora_embed"), path -> 1), "an adapter on embeddings");
        assertMessage(
                () -> LoraModule.of(tensors("lora_cls"), path -> 1),
                "cannot hold 'base_model.model.classifier.",
                "modules_to_save");
        var half = new LinkedHashMap<>(tensors("lora_patterns"));
        half.keySet().removeIf(name -> name.endsWith("layers.1.self_attn.v_proj.lora_B.weight"));
        assertMessage(() -> LoraModule.of(half, path -> 1), "v_proj.lora_A.weight' has no lora_B beside it");
    }

    @Test
    void aModelOrModuleThatLlamaCppDoesNotKnowIsSaid() {
        var target = folder.resolve("adapter.gguf");
        var known = new ArrayList<>(List.of(module("model.layers.0.mlp.down_proj", 1)));
        assertMessage(
                () -> GgufLora.write(target, new GgufLora.Base("qwen", 2, 2, false), known, ScalarType.Float),
                "'qwen' is not supported. Did you mean 'qwen2'?");
        known.add(module("model.layers.0.mlp.router", 1));
        assertMessage(
                () -> GgufLora.write(target, LLAMA, known, ScalarType.Float),
                "no weight for 'model.layers.0.mlp.router'");
        assertMessage(
                () -> GgufLora.write(target, GPT2, List.of(module("lm_head", 1)), ScalarType.Float),
                "no weight for 'lm_head' in a gpt2 model whose head is tied");
        assertMessage(
                () -> GgufLora.write(
                        target,
                        new GgufLora.Base("llama", 3, 3, false),
                        List.of(module("model.layers.0.self_attn.q_proj", 1)),
                        ScalarType.Float),
                "gives 8 outputs, which are no 3 heads");
        assertMessage(() -> GgufLora.write(target, LLAMA, List.of(), ScalarType.Float), "no LoRA module");
        assertThat(target).doesNotExist();
    }

    private static void assertMessage(ThrowingCallable call, String... parts) {
        assertThatThrownBy(call).isInstanceOf(InputException.class).hasMessageContainingAll(parts);
    }
}
