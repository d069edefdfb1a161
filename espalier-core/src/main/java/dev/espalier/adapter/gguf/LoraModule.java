package dev.espalier.adapter.gguf;

import dev.espalier.error.InputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.bytedeco.pytorch.Tensor;

/**
 * What LoRA adds to a linear: {@code y += scaling * B (A x)}.
 *
 * @param path the linear's path in the Hugging Face model, such as {@code model.layers.0.self_attn.q_proj}
 * @param a {@code [rank, in]}
 * @param b {@code [out, rank]}
 */
public record LoraModule(String path, Tensor a, Tensor b, double scaling) {
    private static final String PREFIX = "base_model.model.";
    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";

    public LoraModule {
        if (a.dim() != 2 || b.dim() != 2 || a.size(0) != b.size(1)) {
            throw new IllegalArgumentException(path + ": A must be [rank, in] and B [out, rank]");
        }
    }

    /** The rank of the update. */
    long rank() {
        return a.size(0);
    }

    /**
     * The modules of a PEFT folder's tensors.
     *
     * @param weights by PEFT's names
     * @param scaling of the module at a path: alpha / rank, or alpha / √rank with rsLoRA
     * @throws InputException if the folder holds something that is no plain LoRA on a linear; it says what
     */
    public static List<LoraModule> of(Map<String, Tensor> weights, ToDoubleFunction<String> scaling) {
        Map<String, LoraModule> modules = new LinkedHashMap<>();
        weights.forEach((name, tensor) -> {
            var key = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
            if (key.endsWith(A)) {
                var path = key.substring(0, key.length() - A.length());
                var b = weights.get(name.substring(0, name.length() - A.length()) + B);
                if (b == null) {
                    throw new InputException("'" + name + "' has no lora_B beside it; the adapter is not whole.");
                }
                modules.put(path, new LoraModule(path, tensor, b, scaling.applyAsDouble(path)));
            } else if (!key.endsWith(B) && !key.contains(".base_layer.")) {
                throw new InputException("A GGUF adapter for llama.cpp cannot hold '" + name + "', " + kind(key)
                        + "; export a merged folder instead, or train without it.");
            }
        });
        return List.copyOf(modules.values());
    }

    private static String kind(String key) {
        if (key.endsWith(".lora_magnitude_vector")) {
            return "a magnitude of DoRA";
        }
        if (key.contains(".lora_embedding_")) {
            return "an adapter on embeddings";
        }
        if (key.endsWith(".lora_B.bias")) {
            return "a bias of LoRA";
        }
        return "a weight of a module that was trained as a whole (modules_to_save) or of another method";
    }
}
