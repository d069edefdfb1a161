package dev.espalier.checkpoint;

import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import tools.jackson.databind.JsonNode;

/**
 * A model folder in Hugging Face's layout: {@code config.json}, weights in {@code model.safetensors} or in shards that
 * {@code model.safetensors.index.json} lists, {@code tokenizer.json}.
 */
public final class CheckpointFolder implements TensorSource {
    private static final String WEIGHTS = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final Path path;
    private final JsonNode config;
    private final List<SafetensorsFile> shards;
    /** The shard of each tensor. */
    private final Map<String, SafetensorsFile> files = new LinkedHashMap<>();

    private CheckpointFolder(Path path, JsonNode config, List<SafetensorsFile> shards) {
        this.path = path;
        this.config = config;
        this.shards = shards;
        shards.forEach(shard -> shard.names().forEach(name -> files.put(name, shard)));
    }

    /**
     * Opens the folder {@code path}: reads its configuration and the headers of its weights.
     *
     * @throws InputException if a file is missing or damaged; the message names it
     */
    public static CheckpointFolder open(Path path) {
        if (!Files.isDirectory(path)) {
            throw new InputException("No model folder at " + path + ".");
        }
        if (!Files.exists(path.resolve("config.json"))) {
            throw new InputException(
                    path + " has no config.json, so it is not a model folder in Hugging Face's layout.");
        }
        var config = Json.read(path.resolve("config.json"));
        if (!config.isObject()) {
            throw new InputException(path.resolve("config.json") + " is not a JSON object.");
        }
        return new CheckpointFolder(path, config, openWeights(path));
    }

    private static List<SafetensorsFile> openWeights(Path path) {
        if (Files.exists(path.resolve(WEIGHTS))) {
            return List.of(SafetensorsFile.open(path.resolve(WEIGHTS)));
        }
        if (Files.exists(path.resolve(INDEX))) {
            return openShards(path.resolve(INDEX));
        }
        for (var pickled : List.of("pytorch_model.bin", "pytorch_model.bin.index.json")) {
            if (Files.exists(path.resolve(pickled))) {
                throw new InputException(path.resolve(pickled)
                        + " holds pickled weights, which are not read because unpickling runs code: load the folder with"
                        + " Hugging Face transformers and save it again with save_pretrained, which writes "
                        + WEIGHTS + ".");
            }
        }
        throw new InputException(path + " has neither " + WEIGHTS + " nor " + INDEX + ".");
    }

    private static List<SafetensorsFile> openShards(Path index) {
        var weightMap = Json.read(index).get("weight_map");
        if (weightMap == null || !weightMap.isObject()) {
            throw new InputException(index + " has no weight_map object.");
        }
        Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
        try {
            weightMap.properties().forEach(item -> {
                var name = item.getKey();
                var shard =
                        shards.computeIfAbsent(shardName(index, name, item.getValue()), file -> openShard(index, file));
                if (!shard.names().contains(name)) {
                    throw new InputException(index + " says that tensor '" + name + "' is in " + shard.path()
                            + ", which does not have it; get both files again.");
                }
            });
            return List.copyOf(shards.values());
        } catch (InputException e) {
            shards.values().forEach(SafetensorsFile::close);
            throw e;
        }
    }

    /** The shard's file name, which must not lead out of the folder. */
    private static String shardName(Path index, String tensor, JsonNode value) {
        if (!value.isString() || value.stringValue().matches(".*[/\\\\].*|\\.*")) {
            throw new InputException(
                    index + " places tensor '" + tensor + "' in " + value + ", which is not a file name.");
        }
        return value.stringValue();
    }

    private static SafetensorsFile openShard(Path index, String name) {
        var shard = index.resolveSibling(name);
        if (!Files.exists(shard)) {
            throw new InputException("Shard " + shard + " is missing, but " + index + " lists it; get it again.");
        }
        return SafetensorsFile.open(shard);
    }

    /** The folder that was opened. */
    public Path path() {
        return path;
    }

    /** {@code config.json}, an object. */
    public JsonNode config() {
        return config;
    }

    /**
     * The folder's {@code tokenizer.json}.
     *
     * @throws InputException if there is none; the message says what to convert
     */
    public Path tokenizer() {
        var file = path.resolve("tokenizer.json");
        if (!Files.exists(file)) {
            throw new InputException(path
                    + " has no tokenizer.json: load its tokenizer with Hugging Face transformers' AutoTokenizer and save it"
                    + " there again with save_pretrained, which writes one.");
        }
        return file;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(files.keySet());
    }

    @Override
    public TensorInfo info(String name) {
        return file(name).info(name);
    }

    @Override
    public Tensor tensor(String name) {
        return file(name).tensor(name);
    }

    /** The file that holds tensor {@code name}, for messages. */
    public Path fileOf(String name) {
        return file(name).path();
    }

    @Override
    public Map<String, String> metadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        shards.forEach(shard -> metadata.putAll(shard.metadata()));
        return metadata;
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsFile::close);
    }

    @Override
    public String toString() {
        return path.toString();
    }

    private SafetensorsFile file(String name) {
        var file = files.get(name);
        if (file == null) {
            throw SafetensorsFile.missing(path, name, names());
        }
        return file;
    }
}
