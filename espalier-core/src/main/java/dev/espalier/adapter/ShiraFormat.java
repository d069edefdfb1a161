package dev.espalier.adapter;

import dev.espalier.importance.SelectionScore;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * PEFT's {@code SHIRA}, as version 0.20 writes it: {@code shira_weight [n]} and {@code shira_indices [2, n]} (int32; row,
 * column) with {@code n = r (in + out)} in every module. Other numbers of kept entries are filled up to that with zeros;
 * then {@code kept}, which PEFT passes over, says how many are real, by module.
 */
final class ShiraFormat implements ConfigFormat<SparseSpec> {
    private static final String METHOD = "espalier_method";

    @Override
    public String peftType() {
        return "SHIRA";
    }

    @Override
    public Class<SparseSpec> type() {
        return SparseSpec.class;
    }

    @Override
    public boolean isFor(AdapterSpec spec) {
        return spec instanceof SparseSpec sparse && sparse.kept().rank() > 0;
    }

    @Override
    public SparseSpec read(ConfigReader config) {
        int rank = config.count("r", SparseSpec.RANK);
        return new SparseSpec(
                config.text(METHOD).orElse(SparseSpec.SHIRA),
                config.targets(),
                KeptWeights.rank(rank).with(config.integers("kept")),
                0,
                SelectionScore.RANDOM,
                SelectionScope.MATRIX,
                false,
                new SelectionPlan.AtStart(),
                config.texts("modules_to_save"));
    }

    @Override
    public Map<String, Object> keys(SparseSpec spec) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put("r", spec.kept().rank());
        if (!spec.kept().counts().isEmpty()) {
            keys.put("kept", spec.kept().counts());
        }
        if (!spec.method().equals(SparseSpec.SHIRA)) {
            keys.put(METHOD, spec.method());
        }
        return keys;
    }

    @Override
    public Set<String> unknown() {
        return Set.of("exclude_modules", "layers_to_transform", "layers_pattern");
    }

    @Override
    public Map<String, Object> defaults() {
        return PeftDefaults.of("shira");
    }
}
