package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;

/** No adapter: only the head trains on the frozen body (linear probing). */
public record HeadOnlySpec() implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "head-only";

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public TargetModules targets() {
        return TargetModules.NONE;
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        throw new IllegalStateException(METHOD + " has no delta for " + linear);
    }
}
