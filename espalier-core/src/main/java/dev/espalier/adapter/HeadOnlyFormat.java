package dev.espalier.adapter;

import java.util.Map;

/** {@code ESPALIER_HEAD}: the trained heads and nothing else. */
final class HeadOnlyFormat implements ConfigFormat<HeadOnlySpec> {
    @Override
    public String peftType() {
        return "ESPALIER_HEAD";
    }

    @Override
    public Class<HeadOnlySpec> type() {
        return HeadOnlySpec.class;
    }

    @Override
    public HeadOnlySpec read(ConfigReader config) {
        return new HeadOnlySpec();
    }

    @Override
    public Map<String, Object> keys(HeadOnlySpec spec) {
        return Map.of();
    }
}
