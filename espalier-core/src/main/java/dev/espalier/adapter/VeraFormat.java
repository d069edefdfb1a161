package dev.espalier.adapter;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** PEFT's {@code VERA}, as version 0.20 writes it. */
final class VeraFormat implements ConfigFormat<VeraSpec> {
    @Override
    public String peftType() {
        return "VERA";
    }

    @Override
    public Class<VeraSpec> type() {
        return VeraSpec.class;
    }

    @Override
    public VeraSpec read(ConfigReader config) {
        config.requireNoBias();
        long seed = config.integer("projection_prng_key", 0);
        return new VeraSpec(
                config.targets(),
                config.count("r", VeraSpec.RANK),
                config.probability("vera_dropout", 0),
                config.number("d_initial", VeraSpec.INITIAL_D),
                seed,
                config.flag("save_projection", true),
                config.texts("modules_to_save"));
    }

    @Override
    public Map<String, Object> keys(VeraSpec spec) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", spec.rank());
        keys.put("vera_dropout", spec.dropout());
        keys.put("d_initial", spec.initialD());
        keys.put("projection_prng_key", spec.projectionSeed());
        keys.put("save_projection", spec.saveProjection());
        return keys;
    }

    @Override
    public Set<String> unknown() {
        return Set.of("exclude_modules");
    }

    @Override
    public Map<String, Object> defaults() {
        return PeftDefaults.of("vera");
    }
}
