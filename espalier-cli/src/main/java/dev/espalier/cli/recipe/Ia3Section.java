package dev.espalier.cli.recipe;

import dev.espalier.adapter.Ia3Spec;
import java.util.List;

/** IA3; see {@link Ia3Spec}, which it becomes. */
@Variant(value = Ia3Spec.METHOD, is = "trained factors on keys, values and inside the MLP")
public record Ia3Section(
        @Key(
                "Of the target modules, those whose input is scaled, not their output: a list of names or a regular expression.")
        Modules feedForwardModules,

        @Inline TargetSection target,

        @Key("Modules that train as a whole beside the adapter, such as lm_head: ends of their paths.")
        List<String> modulesToSave)
        implements AdapterSection {
    static final Ia3Section DEFAULT = of(Ia3Spec.defaults());

    public Ia3Section {
        modulesToSave = List.copyOf(modulesToSave);
    }

    private static Ia3Section of(Ia3Spec spec) {
        return new Ia3Section(Modules.of(spec.feedForward()), TargetSection.of(spec.targets()), spec.modulesToSave());
    }

    @Override
    public Ia3Spec spec() {
        return new Ia3Spec(target.targets(), feedForwardModules.names(), modulesToSave);
    }
}
