package dev.espalier.checkpoint;

import dev.espalier.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A sentence encoder of the BERT family that Maven Central carries as a jar with {@code NAME.onnx} and
 * {@code NAME-tokenizer.json} in its root, and its conversion to a model folder in Hugging Face's layout.
 *
 * @param name what users call it, and the stem of its files
 * @param hubName the Hugging Face model that it was exported from
 * @param heads attention heads, the one size that weights do not show
 */
record EmbeddingJar(String name, String hubName, String artifactId, String version, int heads) {
    static final String GROUP_ID = "dev.langchain4j";
    static final List<EmbeddingJar> ALL = List.of(
            small("all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2", "all-minilm-l6-v2"),
            small("bge-small-en-v1.5", "BAAI/bge-small-en-v1.5", "bge-small-en-v15"),
            small("e5-small-v2", "intfloat/e5-small-v2", "e5-small-v2"));

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddingJar.class);
    private static final String VERSION = "1.17.0-beta27";
    private static final List<String> FILES =
            List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");
    private static final Pattern LAYER = Pattern.compile("encoder\\.layer\\.(\\d+)\\.");
    private static final String POSITION_IDS = "embeddings.position_ids";

    private static EmbeddingJar small(String name, String hubName, String artifact) {
        return new EmbeddingJar(name, hubName, "langchain4j-embeddings-" + artifact, VERSION, 12);
    }

    /** The encoder that users or Hugging Face call {@code name}. */
    static Optional<EmbeddingJar> named(String name) {
        return ALL.stream()
                .filter(jar -> jar.name.equalsIgnoreCase(name) || jar.hubName.equalsIgnoreCase(name))
                .findFirst();
    }

    /**
     * The model folder below {@code models}, converted by the first process that asks.
     *
     * @param jar gives a class loader that sees the jar's files; called only if there is something to convert
     */
    Path folder(Path models, Supplier<URLClassLoader> jar) {
        return CachedFolder.obtain(models.resolve(name + "-" + version), FILES, folder -> {
            try (var resources = jar.get()) {
                LOG.info("Converting {} to a model folder in {}, once", name, models);
                convert(folder, resources);
            }
        });
    }

    /** The file in the jar that holds the weights. */
    String weightsFile() {
        return name + ".onnx";
    }

    private void convert(Path folder, ClassLoader resources) throws IOException {
        var onnx = folder.resolve(weightsFile());
        try (var in = open(resources, weightsFile())) {
            Files.copy(in, onnx);
        }
        try (var weights = OnnxWeights.open(onnx)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            weights.names().stream()
                    .filter(tensor -> !tensor.equals(POSITION_IDS))
                    .forEach(tensor -> tensors.put(tensor, weights.tensor(tensor)));
            Safetensors.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
            AtomicFiles.writeString(folder.resolve("config.json"), Json.pretty(config(weights)));
        }
        Files.delete(onnx);
        AtomicFiles.writeString(folder.resolve("tokenizer.json"), Json.pretty(tokenizer(resources)));
        AtomicFiles.writeString(folder.resolve("tokenizer_config.json"), Json.pretty(tokenizerConfig()));
    }

    private InputStream open(ClassLoader resources, String file) throws IOException {
        var in = resources.getResourceAsStream(file);
        if (in == null) {
            throw new IOException("the jar " + artifactId + " " + version + " has no " + file);
        }
        return in;
    }

    /** The {@code BertConfig} that fits the weights; what they do not show is BERT's own. */
    private ObjectNode config(TensorSource weights) {
        var layers = weights.names().stream()
                .map(LAYER::matcher)
                .filter(Matcher::lookingAt)
                .map(layer -> layer.group(1))
                .distinct()
                .count();
        var config = Json.mapper().createObjectNode();
        config.put("_name_or_path", hubName).put("model_type", "bert");
        config.putArray("architectures").add("BertModel");
        return config.put("vocab_size", size(weights, "embeddings.word_embeddings.weight", 0))
                .put("hidden_size", size(weights, "embeddings.word_embeddings.weight", 1))
                .put("num_hidden_layers", layers)
                .put("num_attention_heads", heads)
                .put("intermediate_size", size(weights, "encoder.layer.0.intermediate.dense.weight", 0))
                .put("max_position_embeddings", size(weights, "embeddings.position_embeddings.weight", 0))
                .put("type_vocab_size", size(weights, "embeddings.token_type_embeddings.weight", 0))
                .put("hidden_act", "gelu")
                .put("hidden_dropout_prob", 0.1)
                .put("attention_probs_dropout_prob", 0.1)
                .put("layer_norm_eps", 1e-12)
                .put("initializer_range", 0.02)
                .put("pad_token_id", 0);
    }

    private static long size(TensorSource weights, String tensor, int dimension) {
        return weights.info(tensor).shape().get(dimension);
    }

    /** The jar's tokenizer without fixed padding and truncation: batches are padded and cut by whoever makes them. */
    private ObjectNode tokenizer(ClassLoader resources) throws IOException {
        try (var in = open(resources, name + "-tokenizer.json")) {
            var tokenizer = (ObjectNode) Json.mapper().readTree(in);
            return tokenizer.putNull("padding").putNull("truncation");
        }
    }

    private ObjectNode tokenizerConfig() {
        return Json.mapper()
                .createObjectNode()
                .put("tokenizer_class", "BertTokenizer")
                .put("do_lower_case", true)
                .put("model_max_length", 512)
                .put("pad_token", "[PAD]")
                .put("unk_token", "[UNK]")
                .put("cls_token", "[CLS]")
                .put("sep_token", "[SEP]")
                .put("mask_token", "[MASK]");
    }
}
