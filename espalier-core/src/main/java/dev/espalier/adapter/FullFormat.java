package dev.espalier.adapter;

import java.util.Map;
import java.util.Set;

/**
 * {@code ESPALIER_FULL}: modules that were trained as a whole. Their weights and biases stand under their own names, as
 * they replace those of the base model; {@code target_modules} are their paths.
 */
final class FullFormat implements ConfigFormat<FullSpec> {
    @Override
    public String peftType() {
        return "ESPALIER_FULL";
    }

    @Override
    public Class<FullSpec> type() {
        return FullSpec.class;
    }

    @Override
    public FullSpec read(ConfigReader config) {
        return new FullSpec(config.targets(), config.texts("target_modules"));
    }

    @Override
    public Map<String, Object> keys(FullSpec spec) {
        return Map.of("target_modules", spec.modulesToSave());
    }

    @Override
    public Set<String> unknown() {
        return Set.of("exclude_modules", "layers_to_transform", "layers_pattern");
    }
}
