package dev.espalier.bench;

import dev.espalier.checkpoint.TensorInfo;
import dev.espalier.checkpoint.TensorSource;
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
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Weights of a shape, drawn at random: a step's time does not depend on their values, and no download is needed. */
final class GeneratedWeights implements TensorSource {
    private final Owner owner = new Owner();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final ScalarType dtype;

    GeneratedWeights(EncoderConfig config, ScalarType dtype) {
        this.dtype = dtype;
        int hidden = config.hidden();
        add("bert.embeddings.word_embeddings.weight", config.vocabulary(), hidden);
        add("bert.embeddings.position_embeddings.weight", config.positions(), hidden);
        add("bert.embeddings.token_type_embeddings.weight", config.tokenTypes(), hidden);
        norm("bert.embeddings.LayerNorm", hidden);
        for (int i = 0; i < config.layers(); i++) {
            var layer = "bert.encoder.layer." + i;
            for (var part : List.of(
                    ".attention.self.query",
                    ".attention.self.key",
                    ".attention.self.value",
                    ".attention.output.dense")) {
                linear(layer + part, hidden, hidden);
            }
            norm(layer + ".attention.output.LayerNorm", hidden);
            linear(layer + ".intermediate.dense", config.intermediate(), hidden);
            linear(layer + ".output.dense", hidden, config.intermediate());
            norm(layer + ".output.LayerNorm", hidden);
        }
    }

    private void linear(String name, int out, int in) {
        add(name + ".weight", out, in);
        add(name + ".bias", out);
    }

    private void norm(String name, int features) {
        add(name + ".weight", features);
        add(name + ".bias", features);
        try (var scope = Scope.open()) {
            var weight = tensor(name + ".weight");
            weight.add_(weight.sign());
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
