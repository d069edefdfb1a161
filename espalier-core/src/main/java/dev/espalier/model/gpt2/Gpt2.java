package dev.espalier.model.gpt2;

import dev.espalier.error.InputException;
import dev.espalier.model.ConfigReader;
import dev.espalier.model.DecoderConfig;
import dev.espalier.model.DecoderConfig.NormKind;
import dev.espalier.model.DecoderConfigBuilder;
import dev.espalier.model.DecoderFamily;
import dev.espalier.model.DecoderNames;
import java.util.List;
import java.util.Optional;

/** GPT-2 (Radford et al., 2019): learned positions, layer norm, linears stored {@code [in, out]}. */
public final class Gpt2 implements DecoderFamily {
    @Override
    public List<String> modelTypes() {
        return List.of("gpt2");
    }

    @Override
    public DecoderConfig config(ConfigReader config) {
        if (config.flag("scale_attn_by_inverse_layer_idx", false)) {
            throw new InputException(config.source() + ": scale_attn_by_inverse_layer_idx is not supported.");
        }
        int hidden = config.size("n_embd");
        int heads = config.size("n_head");
        double scale = config.flag("scale_attn_weights", true) ? Math.sqrt(heads / (double) hidden) : 1;
        return DecoderConfigBuilder.sized(
                        config,
                        config.size("n_layer"),
                        hidden,
                        heads,
                        config.integer("n_inner").orElse(4 * hidden),
                        config.size("n_positions"),
                        config.text("activation_function", "gelu_new"))
                .norm(NormKind.LAYER, config.number("layer_norm_epsilon").orElse(1e-5))
                .ungated()
                .biases(true, true, true)
                .storedTransposed()
                .tiedByDefault()
                .attentionScale(scale)
                .dropout(
                        config.number("embd_pdrop").orElse(0.1),
                        config.number("attn_pdrop").orElse(0.1),
                        config.number("resid_pdrop").orElse(0.1))
                .build();
    }

    @Override
    public DecoderNames names() {
        return new DecoderNames(
                "transformer.",
                "transformer.wte",
                Optional.of("transformer.wpe"),
                "transformer.h.",
                "transformer.ln_f",
                "lm_head",
                new DecoderNames.Linears(List.of("attn.c_attn"), "attn.c_proj", List.of("mlp.c_fc"), "mlp.c_proj"),
                DecoderNames.Norms.before("ln_1", "ln_2"));
    }
}
