package dev.espalier.model.llama;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfigBuilder;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;

/** Llama 2 and 3 (Touvron et al., arXiv 2302.13971, 2307.09288; arXiv 2407.21783), and SmolLM2, which is built alike. */
public final class Llama implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("llama");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        boolean attention = config.flag("attention_bias", false);
        return DecoderConfigBuilder.llama(config)
                .biases(attention, attention, config.flag("mlp_bias", false))
                .build();
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA;
    }
}
