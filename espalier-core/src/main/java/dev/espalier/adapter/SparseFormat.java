package dev.espalier.adapter;

import dev.espalier.importance.SelectionScore;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code ESPALIER_SPARSE}: sparse changes that PEFT's SHiRA has no place for. Blocks of side {@code block_size} lie as
 * {@code sparse_block.weight [n, b, b]} and {@code sparse_block.indices [2, n]} (int32; the block's row and column, counted
 * in blocks), single entries as in {@link ShiraFormat}; {@code kept} says how many there are, by module,
 * where {@code keep_ratio} does not.
 */
final class SparseFormat implements ConfigFormat<SparseSpec> {
    private static final String METHOD = "espalier_method";

    @Override
    public String peftType() {
        return "ESPALIER_SPARSE";
    }

    @Override
    public Class<SparseSpec> type() {
        return SparseSpec.class;
    }

    @Override
    public boolean isFor(AdapterSpec spec) {
        return spec instanceof SparseSpec sparse && sparse.kept().rank() == 0;
    }

    @Override
    public SparseSpec read(ConfigReader config) {
        return new SparseSpec(
                config.text(METHOD).orElse(SparseSpec.SPARSE),
                config.targets(),
                KeptWeights.ratio(config.number("keep_ratio", SparseSpec.KEEP_RATIO))
                        .with(config.integers("kept")),
                config.integer("block_size", 0),
                SelectionScore.RANDOM,
                config.constant("scope", SelectionScope.MATRIX),
                config.flag("layer_drop", false),
                new SelectionPlan.AtStart(),
                config.texts("modules_to_save"));
    }

    @Override
    public Map<String, Object> keys(SparseSpec spec) {
        var keys = new LinkedHashMap<String, Object>();
        keys.put(METHOD, spec.method());
        keys.put("keep_ratio", spec.kept().ratio());
        keys.put("block_size", spec.blockSize());
        keys.put("scope", spec.scope());
        keys.put("layer_drop", spec.layerDrop());
        if (!spec.kept().counts().isEmpty()) {
            keys.put("kept", spec.kept().counts());
        }
        return keys;
    }
}
