package dev.espalier.adapter;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** PEFT's {@code ADALORA}, as version 0.20 writes it. */
final class AdaLoraFormat implements ConfigFormat<AdaLoraSpec> {
    @Override
    public String peftType() {
        return "ADALORA";
    }

    @Override
    public Class<AdaLoraSpec> type() {
        return AdaLoraSpec.class;
    }

    @Override
    public AdaLoraSpec read(ConfigReader config) {
        LoraFormat.REFUSED.forEach(config::refuse);
        config.refuse("use_dora");
        config.requireNoBias();
        var schedule =
                new CubicBudget(config.integer("tinit", 0), config.integer("tfinal", 0), config.integer("deltaT", 1));
        return new AdaLoraSpec(
                config.targets(),
                config.integer("init_r", 12),
                config.integer("target_r", 8),
                config.number("lora_alpha", LoraFormat.PEFT_ALPHA),
                config.number("lora_dropout", 0),
                schedule,
                config.number("beta1", .85),
                config.number("beta2", .85),
                config.number("orth_reg_weight", .5),
                config.integer("total_step", 0),
                config.flags("rank_pattern"),
                config.texts("modules_to_save"));
    }

    @Override
    public Map<String, Object> keys(AdaLoraSpec spec) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("init_r", spec.initialRank());
        keys.put("target_r", spec.targetRank());
        keys.put("lora_alpha", LoraFormat.number(spec.alpha()));
        keys.put("lora_dropout", spec.dropout());
        keys.put("tinit", spec.schedule().initialSteps());
        keys.put("tfinal", spec.schedule().finalSteps());
        keys.put("deltaT", spec.schedule().interval());
        keys.put("beta1", spec.beta1());
        keys.put("beta2", spec.beta2());
        keys.put("orth_reg_weight", spec.orthogonality());
        keys.put("total_step", spec.totalSteps());
        keys.put("rank_pattern", spec.kept().isEmpty() ? Optional.empty() : spec.kept());
        return keys;
    }

    @Override
    public Map<String, Object> defaults() {
        var defaults = PeftDefaults.of("lora");
        defaults.put("r", 8);
        return defaults;
    }
}
