package dev.espalier.adapter;

import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.AtomicFolders;
import dev.espalier.checkpoint.IoConsumer;
import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Writes an adapter folder whose weights nobody trained here: they are made one after another while they are written.
 *
 * @param peftType of {@code adapter_config.json}
 * @param keys of that file beside those that every adapter has
 * @param modules the paths of the modules that get a delta
 * @param storedTransposed whether these are {@code Conv1D}s
 * @param weights by what files call them below {@code base_model.model.}: {@code PATH.KEY}
 * @param wholeModules paths of modules, heads among them, that are in {@code weights} as a whole
 * @param card base model and heads
 * @param readme the folder's {@code README.md}
 */
public record AdapterWriter(
        String peftType,
        Map<String, Object> keys,
        List<String> modules,
        boolean storedTransposed,
        Map<String, LazyTensor> weights,
        List<String> wholeModules,
        AdapterCard card,
        String readme) {
    /** Of plain LoRA with these ranks and a scaling of 1. */
    public static Map<String, Object> lora(int rank, Map<String, Integer> ranks) {
        var alphas = new LinkedHashMap<String, Double>();
        ranks.forEach((path, r) -> alphas.put(path, (double) r));
        var format = new LoraFormat();
        var keys = new LinkedHashMap<>(format.defaults());
        keys.putAll(
                format.keys(LoraSpec.defaults().withRank(rank).withAlpha(rank).withPatterns(ranks, alphas)));
        return keys;
    }

    /**
     * Writes {@code folder} as a whole; what was there before survives a failure.
     *
     * @param more writes what else the folder holds into it, after the weights
     * @throws dev.espalier.error.InputException if it can't be written
     */
    public void write(Path folder, IoConsumer<Path> more) {
        AtomicFolders.write(folder, target -> {
            var prefixed = new LinkedHashMap<String, LazyTensor>();
            weights.forEach((name, values) -> prefixed.put(SavedTensors.PREFIX + name, values));
            Safetensors.writeLazily(target.resolve(AdapterFolder.WEIGHTS), prefixed, Map.of("format", "pt"));
            AtomicFiles.writeString(target.resolve(AdapterConfig.FILE), Json.pretty(config()));
            for (var template : card.templates().entrySet()) {
                Files.copy(template.getValue(), target.resolve(template.getKey()));
            }
            AtomicFiles.writeString(target.resolve(AdapterFolder.CARD), Json.pretty(card.portable()));
            AtomicFiles.writeString(target.resolve("README.md"), readme);
            more.accept(target);
        });
    }

    private Map<String, Object> config() {
        var all = new TreeMap<String, Object>(keys);
        all.put("peft_type", peftType);
        all.put("task_type", AdapterConfig.taskType(card.heads()));
        all.put("base_model_name_or_path", card.baseModel());
        all.put("inference_mode", true);
        all.put("modules_to_save", wholeModules.isEmpty() ? Optional.empty() : wholeModules);
        all.put("target_modules", modules);
        all.put("fan_in_fan_out", storedTransposed);
        return all;
    }
}
