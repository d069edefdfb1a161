package dev.espalier.model;

import dev.espalier.error.InputException;
import dev.espalier.model.DecoderConfig.Biases;
import dev.espalier.model.DecoderConfig.DropoutRates;
import dev.espalier.model.DecoderConfig.Layer;
import dev.espalier.model.DecoderConfig.NormKind;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** A decoder's config that starts with what Llama's keys say; a family changes what differs. */
public final class DecoderConfigBuilder {
    private static final String SLIDING = "sliding_attention";

    private final ConfigReader config;
    private final int layers;
    private final int hidden;
    private final int heads;
    private final int keyValueHeads;
    private final int headDim;
    private final int intermediate;
    private final int maxTokens;
    private NormKind norm = NormKind.RMS;
    private double epsilon;
    private Activation activation;
    private boolean gated = true;
    private Biases biases = Biases.NONE;
    private boolean storedTransposed;
    private boolean tied;
    private double embeddingScale = 1;
    private double attentionScale;
    private double attentionCap;
    private double logitCap;
    private IntFunction<Layer> layer;
    private DropoutRates dropout;

    private DecoderConfigBuilder(
            ConfigReader config,
            int layers,
            int hidden,
            int heads,
            int intermediate,
            int maxTokens,
            String activation) {
        this.config = config;
        this.layers = layers;
        this.hidden = hidden;
        this.heads = heads;
        this.intermediate = intermediate;
        this.maxTokens = maxTokens;
        keyValueHeads = config.integer("num_key_value_heads").orElse(heads);
        headDim = config.integer("head_dim").orElse(hidden / heads);
        attentionScale = 1 / Math.sqrt(headDim);
        epsilon = config.number("rms_norm_eps").orElse(1e-6);
        this.activation = Activation.of(activation);
        tied = config.flag("tie_word_embeddings", false);
        dropout = new DropoutRates(0, config.number("attention_dropout").orElse(0.0), 0);
        layer = index -> new Layer(0, Optional.empty());
    }

    /** With Llama's keys: sizes, epsilon, rotary embedding, no window, {@code hidden_act}. */
    public static DecoderConfigBuilder llama(ConfigReader config) {
        var builder = new DecoderConfigBuilder(
                config,
                config.size("num_hidden_layers"),
                config.size("hidden_size"),
                config.size("num_attention_heads"),
                config.size("intermediate_size"),
                config.size("max_position_embeddings"),
                config.text("hidden_activation", config.text("hidden_act", "silu")));
        var rope = new RopeConfig(config, builder.headDim).read();
        return builder.layers(index -> new Layer(0, Optional.of(rope)));
    }

    /** With sizes under other keys, learned positions and layer norm. */
    public static DecoderConfigBuilder sized(
            ConfigReader config,
            int layers,
            int hidden,
            int heads,
            int intermediate,
            int maxTokens,
            String activation) {
        return new DecoderConfigBuilder(config, layers, hidden, heads, intermediate, maxTokens, activation);
    }

    /** One rotary embedding, and {@code window} in the layers that slide; 0 for none. */
    public DecoderConfigBuilder windows(int window, IntFunction<Boolean> slides) {
        var before = layer;
        return layers(index -> new Layer(
                slides(index, slides) ? window : 0, before.apply(index).rope()));
    }

    /** Two rotary embeddings: {@code local} where a window slides and {@code global} where not. */
    public DecoderConfigBuilder windows(int window, IntFunction<Boolean> slides, LayerRope local, LayerRope global) {
        var ropes = new RopeConfig(config, headDim);
        var near = local.read(ropes, SLIDING);
        var far = global.read(ropes, "full_attention");
        return layers(
                index -> slides(index, slides) ? new Layer(window, Optional.of(near)) : new Layer(0, Optional.of(far)));
    }

    /**
     * Where the base of some layers' rotary embedding stands in configs that do not say it by layer type.
     *
     * @param scaled whether {@code rope_scaling} applies to these layers
     */
    public record LayerRope(String thetaKey, double theta, boolean scaled) {
        private Rope read(RopeConfig ropes, String layerType) {
            return ropes.read(layerType, thetaKey, theta, scaled);
        }
    }

    /** {@code layer_types} decides where a config has it. */
    private boolean slides(int index, IntFunction<Boolean> otherwise) {
        var types = config.node("layer_types");
        return types.isArray() && index < types.size()
                ? types.get(index).asString("").equals(SLIDING)
                : otherwise.apply(index);
    }

    private DecoderConfigBuilder layers(IntFunction<Layer> each) {
        layer = each;
        return this;
    }

    public DecoderConfigBuilder norm(NormKind kind, double kindEpsilon) {
        norm = kind;
        epsilon = kindEpsilon;
        return this;
    }

    public DecoderConfigBuilder norm(NormKind kind) {
        return norm(kind, epsilon);
    }

    /** No gate in the feed-forward part. */
    public DecoderConfigBuilder ungated() {
        gated = false;
        return this;
    }

    public DecoderConfigBuilder biases(boolean projections, boolean output, boolean feedForward) {
        biases = new Biases(projections, output, feedForward);
        return this;
    }

    /** Linears are stored {@code [in, out]}. */
    public DecoderConfigBuilder storedTransposed() {
        storedTransposed = true;
        return this;
    }

    /** Whether the output head is the embedding, where the config does not say. */
    public DecoderConfigBuilder tiedByDefault() {
        tied = config.flag("tie_word_embeddings", true);
        return this;
    }

    public DecoderConfigBuilder embeddingScale(double scale) {
        embeddingScale = scale;
        return this;
    }

    public DecoderConfigBuilder attentionScale(double scale) {
        attentionScale = scale;
        return this;
    }

    /** Caps of attention scores and logits; 0 for none. */
    public DecoderConfigBuilder caps(double attention, double logits) {
        attentionCap = attention;
        logitCap = logits;
        return this;
    }

    public DecoderConfigBuilder dropout(double embedding, double attention, double residual) {
        dropout = new DropoutRates(embedding, attention, residual);
        return this;
    }

    /**
     * The config.
     *
     * @throws InputException if the heads do not fit each other
     */
    public DecoderConfig build() {
        if (heads % keyValueHeads != 0) {
            throw new InputException(config.source() + ": num_attention_heads " + heads
                    + " is not a multiple of num_key_value_heads " + keyValueHeads + ".");
        }
        return new DecoderConfig(
                config.text("model_type", ""),
                hidden,
                heads,
                keyValueHeads,
                headDim,
                intermediate,
                config.size("vocab_size"),
                maxTokens,
                norm,
                epsilon,
                activation,
                gated,
                biases,
                storedTransposed,
                tied,
                embeddingScale,
                attentionScale,
                attentionCap,
                logitCap,
                IntStream.range(0, layers).mapToObj(layer).toList(),
                dropout,
                config.number("initializer_range").orElse(0.02));
    }
}
