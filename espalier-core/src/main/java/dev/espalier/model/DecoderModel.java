package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.json.Json;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Scope;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** A causal language model, of whatever family: embeddings, blocks, a last norm, the output head. */
public final class DecoderModel implements LanguageModel {
    private final DecoderConfig config;
    private final DecoderNames names;
    private final Weights weights;
    private final ScalarType dtype;
    private final Embedding words;
    private final @Nullable Embedding positions;
    private final Dropout dropout;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final CopyableNorm norm;
    private final CausalLmHead lmHead;
    private final Linear output;
    private final Map<String, Head> heads = new LinkedHashMap<>();

    /**
     * Builds the model; {@code weights} is closed with it.
     *
     * @throws InputException if a weight is missing or has another shape than the config says
     */
    public DecoderModel(DecoderConfig config, DecoderNames names, Weights weights, ScalarType dtype) {
        Engine.load();
        this.config = config;
        this.names = names;
        this.weights = weights;
        this.dtype = dtype;
        int hidden = config.hidden();
        words = new Embedding(
                names.embeddings(),
                weights.parameter(names.embeddings() + ".weight", config.vocabulary(), hidden),
                config.embeddingScale());
        positions = names.positions()
                .map(path -> new Embedding(path, weights.parameter(path + ".weight", config.maxTokens(), hidden), 1))
                .orElse(null);
        dropout = new Dropout(names.embeddings() + ".dropout", config.dropout().embedding());
        for (int i = 0; i < config.layers().size(); i++) {
            layers.add(new DecoderLayer(i, config, names, weights));
        }
        norm = DecoderLayer.norm(weights, names.finalNorm(), hidden, config);
        output = new Linear(
                names.head(),
                config.tied()
                        ? words.weight()
                        : weights.parameter(names.head() + ".weight", config.vocabulary(), hidden),
                null);
        lmHead = new CausalLmHead(output, config.logitCap());
        heads.put("", lmHead);
    }

    public DecoderConfig config() {
        return config;
    }

    /** Where the weights are. */
    public DecoderNames names() {
        return names;
    }

    @Override
    public ScalarType dtype() {
        return dtype;
    }

    @Override
    public int maxTokens() {
        return config.maxTokens();
    }

    @Override
    public int hiddenSize() {
        return config.hidden();
    }

    /** Not where attention drops out, for then it has one mask over the whole row. */
    @Override
    public boolean joinsSequences() {
        return config.dropout().attention() == 0;
    }

    @Override
    public boolean dropsOut() {
        var rates = config.dropout();
        return rates.embedding() > 0 || rates.attention() > 0 || rates.residual() > 0;
    }

    @Override
    public int frozenLayers() {
        return embeddings().values().stream().anyMatch(Embedding::trains)
                ? 0
                : (int) layers.stream().takeWhile(layer -> !layer.trains()).count();
    }

    /** The output head. */
    public CausalLmHead lmHead() {
        return lmHead;
    }

    @Override
    public Map<String, Embedding> embeddings() {
        var embeddings = new LinkedHashMap<String, Embedding>();
        embeddings.put(words.name(), words);
        if (positions != null) {
            embeddings.put(positions.name(), positions);
        }
        return embeddings;
    }

    @Override
    public Head addHead(String name, TaskKind kind, int outputs, Pooling pooling, RandomStream random) {
        if (kind != TaskKind.CAUSAL_LM) {
            throw new InputException("A " + config.modelType() + " model has no head for a task of kind "
                    + Json.recipes().valueToTree(kind).asString()
                    + "; use an encoder, or ask for a text with kind causal-lm.");
        }
        heads.put(name, lmHead);
        return lmHead;
    }

    @Override
    public Head addLabelEmbeddings(
            String name, Pooling pooling, LabelEmbeddings settings, List<int[]> labels, int padId) {
        throw new InputException("A " + config.modelType()
                + " model is a decoder, which embeds no texts; use an encoder, or ask for a text with kind causal-lm.");
    }

    @Override
    public Map<String, Head> heads() {
        return Collections.unmodifiableMap(heads);
    }

    @Override
    public Variable hidden(Batch batch, ForwardContext context) {
        var known = context.prefix();
        if (known == null) {
            return hidden(batch.inputIds(), context, state -> {});
        }
        try (var scope = Scope.open()) {
            var x = FrozenPrefix.of(this, batch, known, context);
            var result = norm.forward(through(known.layer(), layers.size(), x, context, state -> {}), context);
            scope.keep(result.value());
            return result;
        }
    }

    @Override
    public Variable entering(int layer, Batch batch, ForwardContext context) {
        try (var scope = Scope.open()) {
            var x = through(0, layer, embed(batch.inputIds(), context), context, state -> {});
            scope.keep(x.value());
            return x;
        }
    }

    /**
     * The last hidden states, {@code [rows * tokens, hidden]}, by running every layer.
     *
     * @param ids token ids, {@code [rows * tokens]}
     * @param states sees the embeddings, every layer's output but the last's, and what is returned
     */
    public Variable hidden(long[] ids, ForwardContext context, Consumer<Variable> states) {
        try (var scope = Scope.open()) {
            var x = embed(ids, context);
            var result = norm.forward(through(0, layers.size(), x, context, states), context);
            states.accept(result);
            var cache = context.cache();
            if (cache != null) {
                cache.advance(context.layout());
            }
            scope.keep(result.value());
            return result;
        }
    }

    /** Runs the layers from {@code from} to {@code to}, exclusive; {@code states} sees what enters each. */
    private Variable through(int from, int to, Variable entering, ForwardContext context, Consumer<Variable> states) {
        var x = entering;
        for (var layer : layers.subList(from, to)) {
            states.accept(x);
            x = context.checkpointing()
                    ? Checkpointing.run(layer::forward, layer.trains(), x, context)
                    : layer.forward(x, context);
        }
        return x;
    }

    private Variable embed(long[] ids, ForwardContext context) {
        int longest = context.tokenOrder().longest();
        if (longest > maxTokens()) {
            throw new InputException("A sequence of " + longest + " tokens is longer than the model's " + maxTokens()
                    + " positions; shorten it.");
        }
        var x = words.forward(ids, context);
        if (positions != null) {
            x = Residual.add(positions.forward(context.tokenOrder().positions(), context), x, context);
        }
        return dropout.forward(x, context);
    }

    @Override
    public Map<String, Linear> linears() {
        var linears = new LinkedHashMap<String, Linear>();
        layers.forEach(layer -> layer.linears().forEach(linear -> linears.put(linear.name(), linear)));
        linears.put(output.name(), output);
        return linears;
    }

    @Override
    public Map<String, Copyable> copyables() {
        var modules = LanguageModel.super.copyables();
        layers.forEach(layer -> layer.norms().forEach(n -> modules.put(n.name(), n)));
        modules.put(norm.name(), norm);
        return modules;
    }

    @Override
    public List<String> usualTargets() {
        var inputs = attentionInputs();
        return Stream.of(inputs.get(0), inputs.get(inputs.size() - 1))
                .distinct()
                .toList();
    }

    @Override
    public List<String> attentionInputs() {
        return names.linears().projections().stream()
                .map(path -> path.substring(path.lastIndexOf('.') + 1))
                .toList();
    }

    @Override
    public Map<String, Parameter> parameters() {
        return Collections.unmodifiableMap(weights.parameters());
    }

    @Override
    public Weights weights() {
        return weights;
    }

    @Override
    public void close() {
        weights.close();
    }
}
