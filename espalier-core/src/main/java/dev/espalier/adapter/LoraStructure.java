package dev.espalier.adapter;

import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import java.util.Optional;

/** What a method makes of LoRA's two factors. Each can be written as plain LoRA, of some rank, when it is saved. */
public sealed interface LoraStructure
        permits BlockLora, PartlyFrozenLora, BoostedLora, DynamicRankLora, GrowingLora, PyramidLora, SquareLora {
    /** The name in recipes. */
    String method();

    /**
     * Composes the delta of {@code linear}. What is saved under {@code lora_A.weight} and {@code lora_B.weight} is plain
     * LoRA with the spec's scaling.
     */
    LinearDelta delta(StructuredLoraSpec spec, Linear linear, DeltaWeights weights);

    /** What changes the budget in a run of so many steps. */
    default Optional<BudgetSchedule> budget(StructuredLoraSpec spec, Adapter adapter, int steps) {
        return Optional.empty();
    }
}
