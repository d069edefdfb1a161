package dev.espalier.model.gemma;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfigBuilder.LayerRope;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;

/**
 * Gemma 3, text only (arXiv 2503.19786): Gemma 2 with norms on queries and keys instead of caps, five layers with a
 * window to one without, and a rotary embedding for each of these kinds.
 */
public final class Gemma3 implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("gemma3_text");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        int pattern = config.integer("sliding_window_pattern").orElse(6);
        return Gemma2.gemma(config)
                .windows(
                        config.integer("sliding_window").orElse(4096),
                        layer -> (layer + 1) % pattern != 0,
                        new LayerRope("rope_local_base_freq", 10_000, false),
                        new LayerRope("rope_theta", 1_000_000, true))
                .caps(
                        config.number("attn_logit_softcapping").orElse(0.0),
                        config.number("final_logit_softcapping").orElse(0.0))
                .build();
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA.with(Gemma2.NORMS.withQueryAndKey("self_attn.q_norm", "self_attn.k_norm"));
    }
}
