package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;

/** Which linears an adapter changes and how its delta of one linear is composed. */
public sealed interface AdapterSpec permits LoraSpec, SiraSpec, HeadOnlySpec {
    /** The method's name in recipes and reports, such as {@code lora}. */
    String method();

    /** The linears that get a delta. */
    TargetModules targets();

    /**
     * Composes the delta of {@code linear}.
     *
     * @param weights makes the delta's weights, new or from a file
     */
    LinearDelta delta(Linear linear, DeltaWeights weights);
}
