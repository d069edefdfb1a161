package dev.espalier.model.phi;

import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfigBuilder;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;

/** Phi-3 (arXiv 2404.14219): Llama with one linear for queries, keys and values and one for gate and up. */
public final class Phi3 implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("phi3");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        return DecoderConfigBuilder.llama(config)
                .windows(config.integer("sliding_window").orElse(0), layer -> true)
                .dropout(
                        0,
                        config.number("attention_dropout").orElse(0.0),
                        config.number("resid_pdrop").orElse(0.0))
                .build();
    }

    @Override
    public DecoderNames names() {
        return DecoderNames.LLAMA.with(new DecoderNames.Linears(
                List.of("self_attn.qkv_proj"), "self_attn.o_proj", List.of("mlp.gate_up_proj"), "mlp.down_proj"));
    }
}
