package dev.espalier.adapter.export;

import dev.espalier.adapter.AdapterCard;
import dev.espalier.checkpoint.AtomicFiles;
import dev.espalier.checkpoint.CheckpointFolder;
import dev.espalier.checkpoint.LazyTensor;
import dev.espalier.checkpoint.Safetensors;
import dev.espalier.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import tools.jackson.databind.JsonNode;

/** Writes a merged model as the base's folder is: the same files, the same shards, the same dtypes. */
final class MergedFolder {
    private static final Pattern ALONG = Pattern.compile("tokenizer.*|special_tokens_map\\.json|added_tokens\\.json"
            + "|vocab\\..*|merges\\.txt|.*\\.model|generation_config\\.json|chat_template.*|LICEN[CS]E.*");

    private static final String SINGLE = "model.safetensors";

    private MergedFolder() {}

    /** Fills the empty folder {@code target}. */
    static void write(Path target, CheckpointFolder base, MergedTensors tensors, AdapterCard card) throws IOException {
        var dtype = dtype(base);
        var last = base.names().stream()
                .map(key -> base.fileOf(key).getFileName().toString())
                .max(String::compareTo)
                .orElse(SINGLE);
        Map<String, Map<String, LazyTensor>> files = new TreeMap<>();
        for (var name : tensors.names()) {
            var file = tensors.key(name)
                    .map(key -> base.fileOf(key).getFileName().toString())
                    .orElse(last);
            files.computeIfAbsent(file, f -> new LinkedHashMap<>()).put(name, tensors.rounded(name, dtype));
        }
        files.forEach(
                (file, content) -> Safetensors.writeLazily(target.resolve(file), content, Map.of("format", "pt")));
        if (!files.keySet().equals(Set.of(SINGLE))) {
            AtomicFiles.writeString(target.resolve(SINGLE + ".index.json"), Json.pretty(index(files)));
        }
        JsonNode config = MergedConfig.of(base.config(), card, tensors.untied());
        AtomicFiles.writeString(target.resolve("config.json"), Json.pretty(config));
        copyAlong(base.path(), target, card);
    }

    /** The dtype of the base's weights, which weights that are new get too. */
    static ScalarType dtype(CheckpointFolder base) {
        return base.names().stream()
                .map(name -> base.info(name).dtype())
                .filter(type -> type == ScalarType.BFloat16 || type == ScalarType.Half)
                .findFirst()
                .orElse(ScalarType.Float);
    }

    private static Map<String, Object> index(Map<String, Map<String, LazyTensor>> files) {
        var places = new TreeMap<String, String>();
        long bytes = 0;
        long elements = 0;
        for (var file : files.entrySet()) {
            for (var tensor : file.getValue().entrySet()) {
                places.put(tensor.getKey(), file.getKey());
                var info = tensor.getValue().info();
                elements += info.elements();
                bytes += info.elements() * torch.elementSize(info.dtype());
            }
        }
        return Map.of("metadata", Map.of("total_parameters", elements, "total_size", bytes), "weight_map", places);
    }

    /** What a model needs beside its weights; the chat template is the one that the adapter was trained with. */
    private static void copyAlong(Path base, Path target, AdapterCard card) throws IOException {
        try (var files = Files.list(base)) {
            for (var file : files.toList()) {
                if (Files.isRegularFile(file)
                        && ALONG.matcher(file.getFileName().toString()).matches()) {
                    Files.copy(file, target.resolve(file.getFileName().toString()));
                }
            }
        }
        for (var template : card.templates().entrySet()) {
            Files.copy(template.getValue(), target.resolve(template.getKey()), StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
