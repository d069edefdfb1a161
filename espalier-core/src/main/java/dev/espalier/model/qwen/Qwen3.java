package dev.espalier.model.qwen;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;

/** Qwen3, dense (arXiv 2505.09388): a norm on each head's queries and keys, no biases unless the config has them. */
public final class Qwen3 implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("qwen3");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        boolean attention = config.flag("attention_bias", false);
        return Qwen2.windowed(config).biases(attention, attention, false).build();
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA.with(
                DecoderNames.LLAMA.norms().withQueryAndKey("self_attn.q_norm", "self_attn.k_norm"));
    }
}
