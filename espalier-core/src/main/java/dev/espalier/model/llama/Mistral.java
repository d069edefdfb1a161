package dev.espalier.model.llama;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfigBuilder;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;

/** Mistral (Jiang et al., arXiv 2310.06825): Llama with a sliding window in every layer, where the config has one. */
public final class Mistral implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("mistral");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        return DecoderConfigBuilder.llama(config)
                .windows(config.integer("sliding_window").orElse(0), layer -> true)
                .build();
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA;
    }
}
