package dev.espalier.bench;

import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.checkpoint.TensorSource;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.EncoderConfig;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Owner;
import dev.espalier.tensor.Scope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Weights of a shape, drawn at random: a step's time does not depend on their values, and no download is needed. */
final class GeneratedWeights implements TensorSource {
    private final Owner owner = new Owner();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final ScalarType dtype;

    private GeneratedWeights(ScalarType dtype) {
        this.dtype = dtype;
    }

    /** The weights of a BERT body. */
    static GeneratedWeights bert(EncoderConfig config, ScalarType dtype) {
        var weights = new GeneratedWeights(dtype);
        int hidden = config.hidden();
        weights.add("bert.embeddings.word_embeddings.weight", config.vocabulary(), hidden);
        weights.add("bert.embeddings.position_embeddings.weight", config.positions(), hidden);
        weights.add("bert.embeddings.token_type_embeddings.weight", config.tokenTypes(), hidden);
        weights.norm("bert.embeddings.LayerNorm", hidden);
        for (int i = 0; i < config.layers(); i++) {
            var layer = "bert.encoder.layer." + i;
            for (var part : List.of(
                    ".attention.self.query",
                    ".attention.self.key",
                    ".attention.self.value",
                    ".attention.output.dense")) {
                weights.linear(layer + part, hidden, hidden);
            }
            weights.norm(layer + ".attention.output.LayerNorm", hidden);
            weights.linear(layer + ".intermediate.dense", config.intermediate(), hidden);
            weights.linear(layer + ".output.dense", hidden, config.intermediate());
            weights.norm(layer + ".output.LayerNorm", hidden);
        }
        return weights;
    }

    /** The weights of a Llama-like model with tied embeddings, with biases where the config has them. */
    static GeneratedWeights llama(DecoderConfig config, ScalarType dtype) {
        var weights = new GeneratedWeights(dtype);
        int hidden = config.hidden();
        int wide = config.heads() * config.headDim();
        int narrow = config.keyValueHeads() * config.headDim();
        weights.add("model.embed_tokens.weight", config.vocabulary(), hidden);
        for (int i = 0; i < config.layers().size(); i++) {
            var layer = "model.layers." + i;
            weights.projection(layer + ".self_attn.q_proj", wide, hidden, config);
            weights.projection(layer + ".self_attn.k_proj", narrow, hidden, config);
            weights.projection(layer + ".self_attn.v_proj", narrow, hidden, config);
            weights.add(layer + ".self_attn.o_proj.weight", hidden, wide);
            weights.add(layer + ".mlp.gate_proj.weight", config.intermediate(), hidden);
            weights.add(layer + ".mlp.up_proj.weight", config.intermediate(), hidden);
            weights.add(layer + ".mlp.down_proj.weight", hidden, config.intermediate());
            weights.scale(layer + ".input_layernorm.weight", hidden);
            weights.scale(layer + ".post_attention_layernorm.weight", hidden);
        }
        weights.scale("model.norm.weight", hidden);
        return weights;
    }

    private void projection(String name, int out, int in, DecoderConfig config) {
        add(name + ".weight", out, in);
        if (config.biases().projections()) {
            add(name + ".bias", out);
        }
    }

    private void linear(String name, int out, int in) {
        add(name + ".weight", out, in);
        add(name + ".bias", out);
    }

    private void norm(String name, int features) {
        scale(name + ".weight", features);
        add(name + ".bias", features);
    }

    /** Numbers around 1. */
    private void scale(String name, int features) {
        add(name, features);
        try (var scope = Scope.open()) {
            tensor(name).add_(new Scalar(1));
        }
    }

    private void add(String name, long... shape) {
        try (var scope = Scope.open()) {
            var tensor = torch.empty(shape, Engine.options(dtype), null);
            tensor.normal_(0, 0.02, new GeneratorOptional());
            tensors.put(name, owner.own(tensor));
        }
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public TensorInfo info(String name) {
        return new TensorInfo(dtype, Arrays.stream(tensor(name).shape()).boxed().toList());
    }

    @Override
    public Tensor tensor(String name) {
        var tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return tensor;
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public void close() {
        owner.close();
    }
}
