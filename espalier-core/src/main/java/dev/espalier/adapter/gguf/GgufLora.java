package dev.espalier.adapter.gguf;

import dev.espalier.checkpoint.Gguf;
import dev.espalier.checkpoint.GgufValue;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Scope;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Writes a LoRA adapter as llama.cpp reads it ({@code llama-cli --lora}), as its {@code convert_lora_to_gguf.py} does.
 *
 * <p>llama.cpp scales every module by {@code adapter.lora.alpha / rank} with one alpha. That is the alpha of the first
 * module that adds anything; where another module's scaling differs from it (rsLoRA with several ranks, alpha patterns),
 * the quotient of both is multiplied into its B.
 *
 * <p>Linears of GPT-2 are stored {@code [in, out]} in Hugging Face's folders, but PEFT's A and B of them are as those of
 * any linear, and so is llama.cpp's weight: nothing is transposed.
 */
public final class GgufLora {
    private static final double SAME = 1e-9;

    private GgufLora() {}

    /**
     * What of the base model the layout depends on.
     *
     * @param modelType {@code model_type} of config.json
     * @param heads attention heads
     * @param keyValueHeads heads of keys and values
     * @param tiedHead whether the output head is the embedding: llama.cpp then has no weight for an adapter on it
     */
    public record Base(String modelType, int heads, int keyValueHeads, boolean tiedHead) {}

    /**
     * Writes the adapter in one piece or not at all.
     *
     * @param dtype of A and B in the file: fp32, fp16 or bf16
     * @throws InputException if llama.cpp has no such family or no name for a module, or the file cannot be written
     */
    public static void write(Path target, Base base, List<LoraModule> modules, ScalarType dtype) {
        var family = LlamaCppFamily.of(base.modelType());
        if (modules.isEmpty()) {
            throw new InputException("The adapter has no LoRA module, so there is nothing to write to " + target + ".");
        }
        double alpha = alpha(modules);
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", new GgufValue.Text(family.architecture()));
        metadata.put("general.type", new GgufValue.Text("adapter"));
        metadata.put("adapter.type", new GgufValue.Text("lora"));
        metadata.put("adapter.lora.alpha", new GgufValue.Float32((float) alpha));
        try (var scope = Scope.open()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (var module : modules) {
                var weight = family.weight(module.path(), base.tiedHead())
                        .orElseThrow(
                                () -> new InputException("llama.cpp has no weight for '" + module.path() + "' in a "
                                        + base.modelType() + " model" + (base.tiedHead() ? " whose head is tied" : "")
                                        + ", so the adapter cannot be written as GGUF; train without that module, or export a"
                                        + " merged folder instead."));
                tensors.put(weight + ".lora_a", module.a().to(dtype));
                tensors.put(weight + ".lora_b", b(module, alpha, family, base).to(dtype));
            }
            Gguf.write(target, metadata, tensors);
        }
    }

    /** Never 0: llama.cpp takes that for a scale of 1. */
    private static double alpha(List<LoraModule> modules) {
        return modules.stream()
                .mapToDouble(module -> module.scaling() * module.rank())
                .filter(alpha -> alpha != 0)
                .findFirst()
                .orElse(1);
    }

    private static Tensor b(LoraModule module, double alpha, LlamaCppFamily family, Base base) {
        double factor = module.scaling() * module.rank() / alpha;
        var b = module.b().to(ScalarType.Float);
        var scaled = Math.abs(factor - 1) <= SAME ? b : b.mul(new Scalar(factor));
        return family.interleavedHeads(module.path(), base.heads(), base.keyValueHeads())
                .map(heads -> interleaved(scaled, heads, module.path()))
                .orElse(scaled);
    }

    /** Row {@code i} of a head's first half comes to its row 2i, that of its second half to row 2i + 1. */
    private static Tensor interleaved(Tensor b, int heads, String path) {
        long rows = b.size(0);
        if (rows % (2L * heads) != 0) {
            throw new InputException("'" + path + "' gives " + rows + " outputs, which are no " + heads
                    + " heads of even size; do adapter and config.json belong together?");
        }
        return b.view(heads, 2, rows / heads / 2, b.size(1)).transpose(1, 2).reshape(rows, b.size(1));
    }
}
