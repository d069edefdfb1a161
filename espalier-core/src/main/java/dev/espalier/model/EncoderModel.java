package dev.espalier.model;

import dev.espalier.data.Batch;
import dev.espalier.data.TaskKind;
import dev.espalier.error.InputException;
import dev.espalier.tensor.Engine;
import dev.espalier.tensor.Parameter;
import dev.espalier.tensor.RandomStream;
import dev.espalier.tensor.Variable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A BERT-like encoder. */
public final class EncoderModel implements LanguageModel {
    private final EncoderFamily family;
    private final EncoderConfig config;
    private final Weights weights;
    private final ScalarType dtype;
    private final Embeddings embeddings;
    private final List<EncoderLayer> layers = new ArrayList<>();
    private final Map<String, Head> heads = new LinkedHashMap<>();

    /**
     * Builds the body; {@code weights} is closed with the model.
     *
     * @throws InputException if a weight is missing or has another shape than the config says
     */
    public EncoderModel(EncoderFamily family, EncoderConfig config, Weights weights, ScalarType dtype) {
        Engine.load();
        this.family = family;
        this.config = config;
        this.weights = weights;
        this.dtype = dtype;
        embeddings = new Embeddings(family.prefix() + ".embeddings", family, config, weights);
        for (int i = 0; i < config.layers(); i++) {
            layers.add(new EncoderLayer(family.prefix() + ".encoder.layer." + i, config, weights));
        }
    }

    public EncoderConfig config() {
        return config;
    }

    @Override
    public ScalarType dtype() {
        return dtype;
    }

    @Override
    public int maxTokens() {
        return family.maxTokens(config);
    }

    @Override
    public int hiddenSize() {
        return config.hidden();
    }

    @Override
    public boolean joinsSequences() {
        return false;
    }

    @Override
    public boolean dropsOut() {
        return config.hiddenDropout() > 0 || config.attentionDropout() > 0;
    }

    @Override
    public int frozenLayers() {
        return embeddings.trains()
                ? 0
                : (int) layers.stream().takeWhile(layer -> !layer.trains()).count();
    }

    @Override
    public Head addHead(String name, TaskKind kind, int outputs, Pooling pooling, RandomStream random) {
        if (kind == TaskKind.CAUSAL_LM) {
            throw new InputException("A " + config.modelType()
                    + " model is an encoder, which writes no texts; use a causal language model for a task of kind"
                    + " causal-lm, or ask for labels or a number.");
        }
        if (kind == TaskKind.CHOICE) {
            throw new InputException("A task of kind choice has no labels that a classifier could have outputs for; its"
                    + " candidates are compared by label embeddings.");
        }
        var prefix = name.isEmpty() ? "" : "heads." + name + ".";
        var own = new HeadWeights(weights, config.initializerRange(), random);
        Head head = kind == TaskKind.TOKEN_LABELS
                ? new TokenHead(prefix, outputs, config, own)
                : new SequenceHead(prefix, outputs, pooling, family, config, own);
        return put(name, head);
    }

    @Override
    public Head addLabelEmbeddings(
            String name, Pooling pooling, LabelEmbeddings settings, List<int[]> labels, int padId) {
        return put(name, new LabelEmbeddingHead(this, pooling, settings, labels, padId));
    }

    /**
     * Adds the pretrained masked-language-model head.
     *
     * @throws InputException if the checkpoint has none
     */
    public Head addMaskedLmHead() {
        return put("", new MaskedLmHead(family, config, weights, embeddings));
    }

    private Head put(String name, Head head) {
        if (heads.putIfAbsent(name, head) != null) {
            throw new IllegalStateException("the model has a head '" + name + "' already");
        }
        return head;
    }

    @Override
    public Map<String, Head> heads() {
        return Collections.unmodifiableMap(heads);
    }

    @Override
    public Variable hidden(Batch batch, ForwardContext context) {
        return upTo(layers.size(), batch, context);
    }

    @Override
    public Variable entering(int layer, Batch batch, ForwardContext context) {
        return upTo(layer, batch, context);
    }

    /** What enters a layer, not below those that the pass knows the states of. */
    private Variable upTo(int layer, Batch batch, ForwardContext context) {
        var known = context.prefix();
        var x = known == null ? embedded(batch, context) : FrozenPrefix.of(this, batch, known, context);
        for (var next : layers.subList(known == null ? 0 : known.layer(), layer)) {
            x = next.forward(x, context);
        }
        return x;
    }

    /** As {@link #hidden(Batch, ForwardContext)}, by running every layer; {@code states} sees the embeddings and every layer's output. */
    public Variable hidden(Batch batch, ForwardContext context, Consumer<Variable> states) {
        var x = embedded(batch, context);
        states.accept(x);
        for (var layer : layers) {
            x = layer.forward(x, context);
            states.accept(x);
        }
        return x;
    }

    private Variable embedded(Batch batch, ForwardContext context) {
        if (context.tokens() > maxTokens()) {
            throw new InputException("A sequence of " + context.tokens() + " tokens is longer than the model's "
                    + maxTokens() + " positions; truncate it.");
        }
        return embeddings.forward(batch.inputIds(), batch.tokenTypeIds(), context);
    }

    /** The first tokens' last hidden states, {@code [rows, hidden]}: all that a head reads of most sequences. */
    private Variable firstTokens(Batch batch, ForwardContext context) {
        int last = layers.size() - 1;
        var known = context.prefix();
        return known != null && known.layer() > last
                ? FirstTokens.of(upTo(known.layer(), batch, context), context)
                : layers.get(last).firstTokens(upTo(last, batch, context), context);
    }

    @Override
    public HeadInput headInput(Head head, Batch batch, ForwardContext context) {
        return head.readsFirstTokens() && context.layout().unpacked()
                ? new HeadInput(firstTokens(batch, context), context.perSequence())
                : LanguageModel.super.headInput(head, batch, context);
    }

    @Override
    public Map<String, Linear> linears() {
        var linears = new LinkedHashMap<String, Linear>();
        layers.forEach(layer -> layer.linears().forEach(linear -> linears.put(linear.name(), linear)));
        heads.values().forEach(head -> head.linears().forEach(linear -> linears.put(linear.name(), linear)));
        return linears;
    }

    @Override
    public List<String> usualTargets() {
        return List.of("query", "value");
    }

    @Override
    public List<String> attentionInputs() {
        return List.of("query", "key", "value");
    }

    @Override
    public Map<String, Parameter> parameters() {
        var parameters = new LinkedHashMap<>(weights.parameters());
        for (var head : heads.values()) {
            for (var linear : head.linears()) {
                linear.parameters().forEach(p -> parameters.put(p.name(), p));
            }
        }
        return parameters;
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
