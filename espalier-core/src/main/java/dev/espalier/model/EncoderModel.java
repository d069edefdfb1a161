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

/**
 * A frozen BERT-like encoder with any number of heads. Weights are views of the mapped checkpoint where its dtype is
 * the wanted one. Forward passes may run on several threads at once; adding heads and attaching adapters may not.
 */
public final class EncoderModel implements AutoCloseable {
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

    /** The dtype of the frozen weights and of the activations. */
    public ScalarType dtype() {
        return dtype;
    }

    /** The longest sequence that the model has positions for, special tokens included. */
    public int maxTokens() {
        return family.maxTokens(config);
    }

    /**
     * Adds a head for a task.
     *
     * @param name empty for the one head of a model, else the task's name; its weights are under {@code heads.NAME.}
     * @param outputs labels, or 1 for a number
     * @param random where new weights come from
     */
    public Head addHead(String name, TaskKind kind, int outputs, Pooling pooling, RandomStream random) {
        var prefix = name.isEmpty() ? "" : "heads." + name + ".";
        var own = new HeadWeights(weights, config.initializerRange(), random);
        Head head = kind == TaskKind.TOKEN_LABELS
                ? new TokenHead(prefix, outputs, config, own)
                : new SequenceHead(prefix, outputs, pooling, family, config, own);
        return put(name, head);
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

    /** The heads by name. */
    public Map<String, Head> heads() {
        return Collections.unmodifiableMap(heads);
    }

    /**
     * The last hidden states.
     *
     * @param inputIds {@code [rows * tokens]}, rows as in {@code context}
     * @param tokenTypeIds {@code [rows * tokens]}
     * @return {@code [rows * tokens, hidden]}
     */
    public Variable hidden(long[] inputIds, long[] tokenTypeIds, ForwardContext context) {
        return hidden(inputIds, tokenTypeIds, context, state -> {});
    }

    /** As {@link #hidden(long[], long[], ForwardContext)}; {@code states} sees the embeddings and every layer's output. */
    public Variable hidden(long[] inputIds, long[] tokenTypeIds, ForwardContext context, Consumer<Variable> states) {
        if (context.tokens() > maxTokens()) {
            throw new InputException("A sequence of " + context.tokens() + " tokens is longer than the model's "
                    + maxTokens() + " positions; truncate it.");
        }
        var x = embeddings.forward(inputIds, tokenTypeIds, context);
        states.accept(x);
        for (var layer : layers) {
            x = layer.forward(x, context);
            states.accept(x);
        }
        return x;
    }

    /** The logits of {@code head} for a batch; see {@link Head#forward} for their shape. */
    public Variable logits(Head head, Batch batch, ForwardContext context) {
        return head.forward(hidden(batch.inputIds(), batch.tokenTypeIds(), context), context);
    }

    /** Every linear of body and heads by its path, in forward order. */
    public Map<String, Linear> linears() {
        var linears = new LinkedHashMap<String, Linear>();
        layers.forEach(layer -> layer.linears().forEach(linear -> linears.put(linear.name(), linear)));
        heads.values().forEach(head -> head.linears().forEach(linear -> linears.put(linear.name(), linear)));
        return linears;
    }

    /** All weights by name: the body's, then the heads'. */
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
    public void close() {
        weights.close();
    }
}
