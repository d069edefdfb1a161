package dev.espalier.adapter;

import dev.espalier.model.LanguageModel;
import dev.espalier.model.Linear;
import dev.espalier.model.LinearDelta;
import java.util.List;

/**
 * Full fine-tuning of chosen modules: fp32 copies of their weights and biases train in place of them, the baseline that
 * adapters are measured against.
 *
 * @param targets linears and embeddings that are trained
 * @param modulesToSave the paths of all modules that train; none before the model is known, or beside the targets'
 */
public record FullSpec(TargetModules targets, List<String> modulesToSave) implements AdapterSpec {
    /** The name in recipes. */
    public static final String METHOD = "full";

    public FullSpec {
        modulesToSave = List.copyOf(modulesToSave);
    }

    /** Queries, keys and values. */
    public static FullSpec defaults() {
        return new FullSpec(TargetModules.DEFAULT, List.of());
    }

    public FullSpec withTargets(TargetModules targets) {
        return new FullSpec(targets, modulesToSave);
    }

    @Override
    public FullSpec withModulesToSave(List<String> modulesToSave) {
        return new FullSpec(targets, modulesToSave);
    }

    @Override
    public String method() {
        return METHOD;
    }

    /** With the paths of the targets in {@code model}. */
    @Override
    public FullSpec in(LanguageModel model) {
        var settled = targets.forAttentionInputs(model);
        return new FullSpec(settled, List.copyOf(settled.select(model).keySet()));
    }

    @Override
    public LinearDelta delta(Linear linear, DeltaWeights weights) {
        throw new IllegalStateException(METHOD + " trains a copy of " + linear + ", not a delta");
    }
}
