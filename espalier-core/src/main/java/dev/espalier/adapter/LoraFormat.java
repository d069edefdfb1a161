package dev.espalier.adapter;

import dev.espalier.adapter.LoraSpec.Initialisation;
import dev.espalier.error.InputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** PEFT's {@code LORA}, as version 0.20 writes it. */
final class LoraFormat implements ConfigFormat<LoraSpec> {
    /** PEFT's own default, for files that do not say. */
    static final double PEFT_ALPHA = 8;

    /** Keys that change what the adapter computes, of LoRA and what PEFT derives from it. */
    static final List<String> REFUSED = List.of(
            "use_qalora",
            "use_bdlora",
            "lora_bias",
            "alora_invocation_tokens",
            "layer_replication",
            "target_parameters",
            "trainable_token_indices",
            "arrow_config",
            "kasa_config",
            "monteclora_config",
            "velora_config");

    /** Values of {@code init_lora_weights} that only set A and B; others change the base model as well. */
    private static final Set<String> HARMLESS = Set.of("eva", "orthogonal");

    @Override
    public String peftType() {
        return "LORA";
    }

    @Override
    public Class<LoraSpec> type() {
        return LoraSpec.class;
    }

    @Override
    public LoraSpec read(ConfigReader config) {
        REFUSED.forEach(config::refuse);
        config.requireNoBias();
        return new LoraSpec(
                config.targets(),
                config.count("r", LoraSpec.RANK),
                config.positive("lora_alpha", PEFT_ALPHA),
                config.probability("lora_dropout", LoraSpec.DROPOUT),
                config.flag("use_rslora", false),
                config.integers("rank_pattern"),
                config.numbers("alpha_pattern"),
                initialisation(config),
                config.flag("use_dora", false),
                config.texts("modules_to_save"),
                1,
                0);
    }

    private static Initialisation initialisation(ConfigReader config) {
        var key = "init_lora_weights";
        if (!config.isText(key)) {
            return config.flag(key, true) ? Initialisation.DEFAULT : Initialisation.RANDOM;
        }
        var name = config.text(key).orElseThrow();
        if (name.equals("gaussian")) {
            return Initialisation.GAUSSIAN;
        }
        if (!HARMLESS.contains(name)) {
            throw new InputException(config.file() + ": " + key + " is '" + name
                    + "', which changed the base model too; convert the adapter to plain LoRA with PEFT.");
        }
        return Initialisation.DEFAULT;
    }

    @Override
    public Map<String, Object> keys(LoraSpec spec) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", spec.rank());
        keys.put("lora_alpha", number(spec.alpha()));
        keys.put("lora_dropout", spec.dropout());
        keys.put("use_rslora", spec.rslora());
        keys.put("use_dora", spec.dora());
        keys.put("rank_pattern", spec.rankPattern());
        var alphas = new LinkedHashMap<String, Object>();
        spec.alphaPattern().forEach((key, alpha) -> alphas.put(key, number(alpha)));
        keys.put("alpha_pattern", alphas);
        keys.put(
                "init_lora_weights",
                switch (spec.initialisation()) {
                    case DEFAULT, PISSA -> true;
                    case GAUSSIAN -> "gaussian";
                    case RANDOM -> false;
                });
        return keys;
    }

    /** A whole number as PEFT's users give it, if it is one. */
    static Object number(double value) {
        return value == Math.rint(value) && Math.abs(value) < Integer.MAX_VALUE ? (Object) (int) value : value;
    }

    @Override
    public Map<String, Object> defaults() {
        return PeftDefaults.of("lora");
    }
}
