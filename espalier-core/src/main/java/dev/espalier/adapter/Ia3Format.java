package dev.espalier.adapter;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** PEFT's {@code IA3}, as version 0.20 writes it. */
final class Ia3Format implements ConfigFormat<Ia3Spec> {
    @Override
    public String peftType() {
        return "IA3";
    }

    @Override
    public Class<Ia3Spec> type() {
        return Ia3Spec.class;
    }

    @Override
    public Ia3Spec read(ConfigReader config) {
        return new Ia3Spec(
                config.targets(),
                config.modules("feedforward_modules").orElse(ModuleNames.of(List.of())),
                config.texts("modules_to_save"));
    }

    @Override
    public Map<String, Object> keys(Ia3Spec spec) {
        var keys = new LinkedHashMap<String, Object>();
        var names = spec.feedForward();
        keys.put("feedforward_modules", names.regex().map(Object.class::cast).orElse(names.names()));
        return keys;
    }

    @Override
    public Set<String> unknown() {
        return Set.of("layers_to_transform", "layers_pattern");
    }

    @Override
    public Map<String, Object> defaults() {
        return PeftDefaults.of("ia3");
    }
}
