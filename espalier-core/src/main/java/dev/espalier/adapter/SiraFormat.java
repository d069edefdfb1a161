package dev.espalier.adapter;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code ESPALIER_SIRA}: no PEFT type, but PEFT's keys where they mean the same, and beside them {@code num_experts},
 * {@code top_k}, {@code expert_dropout}, {@code capacity_factor} (null for no limit), {@code capacity_in_evaluation},
 * {@code auxiliary_coefficient}, {@code balanced_auxiliary} and {@code renormalise}. Tensors of a module:
 * {@code experts.lora_A.weight [E, r, in]}, {@code experts.lora_B.weight [E, out, r]}, {@code router.weight [E, in]}.
 */
final class SiraFormat implements ConfigFormat<SiraSpec> {
    @Override
    public String peftType() {
        return "ESPALIER_SIRA";
    }

    @Override
    public Class<SiraSpec> type() {
        return SiraSpec.class;
    }

    @Override
    public SiraSpec read(ConfigReader config) {
        return new SiraSpec(
                config.targets(),
                config.integer("num_experts", SiraSpec.EXPERTS),
                config.integer("top_k", SiraSpec.TOP_K),
                config.integer("r", SiraSpec.RANK),
                config.number("lora_alpha", SiraSpec.ALPHA),
                config.number("lora_dropout", SiraSpec.DROPOUT),
                config.number("expert_dropout", SiraSpec.EXPERT_DROPOUT),
                config.number("capacity_factor"),
                config.flag("capacity_in_evaluation", false),
                config.number("auxiliary_coefficient", SiraSpec.AUXILIARY_COEFFICIENT),
                config.flag("balanced_auxiliary", false),
                config.flag("renormalise", false));
    }

    @Override
    public Map<String, Object> keys(SiraSpec spec) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("num_experts", spec.experts());
        keys.put("top_k", spec.topK());
        keys.put("r", spec.rank());
        keys.put("lora_alpha", LoraFormat.number(spec.alpha()));
        keys.put("lora_dropout", spec.dropout());
        keys.put("expert_dropout", spec.expertDropout());
        keys.put("capacity_factor", spec.capacityFactor());
        keys.put("capacity_in_evaluation", spec.capacityInEvaluation());
        keys.put("auxiliary_coefficient", spec.auxiliaryCoefficient());
        keys.put("balanced_auxiliary", spec.balancedAuxiliary());
        keys.put("renormalise", spec.renormalise());
        return keys;
    }
}
