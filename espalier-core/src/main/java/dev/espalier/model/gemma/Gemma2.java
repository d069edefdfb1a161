package dev.espalier.model.gemma;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfig.NormKind;
import dev.espalier.model.DecoderConfigBuilder;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;
import java.util.Optional;

/**
 * Gemma 2 (arXiv 2408.00118): norms before and after both parts of a layer, caps on attention scores and logits, a
 * window in every other layer, scaled embeddings.
 */
public final class Gemma2 implements DecoderFamily {
    /** Gemma 2's and 3's norms. */
    static final DecoderNames.Norms NORMS = new DecoderNames.Norms(
            "input_layernorm",
            Optional.of("post_attention_layernorm"),
            "pre_feedforward_layernorm",
            Optional.of("post_feedforward_layernorm"),
            Optional.empty(),
            Optional.empty());

    @Override
    public List<String> modelTypes() {
        return List.of("gemma2");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        return gemma(config)
                .windows(config.integer("sliding_window").orElse(4096), layer -> layer % 2 == 0)
                .caps(
                        config.number("attn_logit_softcapping").orElse(0.0),
                        config.number("final_logit_softcapping").orElse(0.0))
                .build();
    }

    /** What Gemma 2 and 3 share. */
    static DecoderConfigBuilder gemma(ConfigReader config) {
        boolean attention = config.flag("attention_bias", false);
        return DecoderConfigBuilder.llama(config)
                .norm(NormKind.RMS_PLUS_ONE)
                .biases(attention, attention, false)
                .tiedByDefault()
                .embeddingScale(Math.sqrt(config.size("hidden_size")))
                .attentionScale(
                        1 / Math.sqrt(config.number("query_pre_attn_scalar").orElse(256.0)));
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA.with(NORMS);
    }
}
