package dev.espalier.adapter.gguf;

import dev.espalier.error.InputException;
import dev.espalier.error.Nearest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A family of decoders as llama.cpp has it: its name there, the names of its linears, and whether llama.cpp keeps the
 * rows of queries and keys in another order. As in llama.cpp's {@code gguf-py/gguf/tensor_mapping.py}.
 */
enum LlamaCppFamily {
    LLAMA("llama", Layers.LLAMA, true, "llama", "mistral"),
    QWEN2("qwen2", Layers.LLAMA, false, "qwen2"),
    QWEN3("qwen3", Layers.LLAMA, false, "qwen3"),
    PHI3("phi3", Layers.PHI3, false, "phi3"),
    GEMMA2("gemma2", Layers.LLAMA, false, "gemma2"),
    GEMMA3("gemma3", Layers.LLAMA, false, "gemma3_text", "gemma3"),
    GPT2("gpt2", Layers.GPT2, false, "gpt2");

    private static final String HEAD = "lm_head";

    private final String architecture;
    private final Layers layers;
    private final boolean interleaved;
    private final List<String> modelTypes;

    LlamaCppFamily(String architecture, Layers layers, boolean interleaved, String... modelTypes) {
        this.architecture = architecture;
        this.layers = layers;
        this.interleaved = interleaved;
        this.modelTypes = List.of(modelTypes);
    }

    /** Names of the linears of a layer. */
    private enum Layers {
        LLAMA(
                "model\\.layers",
                Map.of(
                        "self_attn.q_proj", "attn_q",
                        "self_attn.k_proj", "attn_k",
                        "self_attn.v_proj", "attn_v",
                        "self_attn.o_proj", "attn_output",
                        "mlp.gate_proj", "ffn_gate",
                        "mlp.up_proj", "ffn_up",
                        "mlp.down_proj", "ffn_down")),
        PHI3(
                "model\\.layers",
                Map.of(
                        "self_attn.qkv_proj", "attn_qkv",
                        "self_attn.o_proj", "attn_output",
                        "mlp.gate_up_proj", "ffn_up",
                        "mlp.down_proj", "ffn_down")),
        GPT2(
                "transformer\\.h",
                Map.of(
                        "attn.c_attn", "attn_qkv",
                        "attn.c_proj", "attn_output",
                        "mlp.c_fc", "ffn_up",
                        "mlp.c_proj", "ffn_down"));

        private final Pattern path;
        private final Map<String, String> names;

        Layers(String prefix, Map<String, String> names) {
            path = Pattern.compile(prefix + "\\.(\\d+)\\.(.+)");
            this.names = names;
        }

        Optional<String> name(String module) {
            var match = path.matcher(module);
            return match.matches()
                    ? Optional.ofNullable(names.get(match.group(2)))
                            .map(name -> "blk." + Integer.parseInt(match.group(1)) + "." + name + ".weight")
                    : Optional.empty();
        }
    }

    /**
     * The family of a {@code model_type}.
     *
     * @throws InputException if it is not among those that can be exported
     */
    static LlamaCppFamily of(String modelType) {
        var known = new ArrayList<String>();
        for (var family : values()) {
            if (family.modelTypes.contains(modelType)) {
                return family;
            }
            known.addAll(family.modelTypes);
        }
        throw new InputException("A GGUF adapter for model_type '" + modelType + "' is not supported. Did you mean '"
                + Nearest.to(modelType, known, 1).get(0) + "'? There are " + String.join(", ", known) + ".");
    }

    /** {@code general.architecture}. */
    String architecture() {
        return architecture;
    }

    /** llama.cpp's name of the weight of {@code module}, if it has one that an adapter can be put on. */
    Optional<String> weight(String module, boolean tiedHead) {
        return module.equals(HEAD) && !tiedHead ? Optional.of("output.weight") : layers.name(module);
    }

    /**
     * Into how many heads the rows of {@code module} are to be interleaved: Hugging Face rotates the first half of a head
     * against the second, llama.cpp rotates neighbours in some families.
     */
    Optional<Integer> interleavedHeads(String module, int heads, int keyValueHeads) {
        if (interleaved && module.endsWith(".q_proj")) {
            return Optional.of(heads);
        }
        return interleaved && module.endsWith(".k_proj") ? Optional.of(keyValueHeads) : Optional.empty();
    }
}
