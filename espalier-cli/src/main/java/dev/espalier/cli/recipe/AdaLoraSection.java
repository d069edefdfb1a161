package dev.espalier.cli.recipe;

import dev.espalier.adapter.AdaLoraSpec;
import dev.espalier.adapter.CubicBudget;
import java.util.List;
import java.util.Map;

/** AdaLoRA; see {@link AdaLoraSpec}, which it becomes. */
@Variant(value = AdaLoraSpec.METHOD, is = "low-rank adaptation whose ranks go where they matter")
public record AdaLoraSection(
        @Key(value = "Rank of every module at first.", atLeast = 1)
        int initialRank,

        @Key(value = "Rank that modules have at the end, on average; no more than initial-rank.", atLeast = 1)
        int targetRank,

        @Key(value = "The adapter's output is scaled by alpha / initial-rank, to the end.", above = 0)
        double alpha,

        @Key(value = "Dropout on the adapter's input while training.", atLeast = 0, below = 1)
        double dropout,

        @Key(value = "Steps at the beginning in which no rank is taken away.", atLeast = 0)
        int initialSteps,

        @Key(value = "Steps at the end in which the ranks stay as they are.", atLeast = 0)
        int finalSteps,

        @Key(value = "Steps from one allocation of ranks to the next.", atLeast = 1)
        int interval,

        @Key(value = "Decay of the moving average of importance.", atLeast = 0, below = 1)
        double beta1,

        @Key(value = "Decay of the moving average of importance's uncertainty.", atLeast = 0, below = 1)
        double beta2,

        @Key(value = "Weight of the loss that holds A and B near orthogonal.", atLeast = 0)
        double orthogonality,

        @Inline TargetSection target,

        @Key("Modules that train as a whole beside the adapter, such as lm_head: ends of their paths.")
        List<String> modulesToSave)
        implements AdapterSection {
    static final AdaLoraSection DEFAULT = of(AdaLoraSpec.defaults());

    public AdaLoraSection {
        modulesToSave = List.copyOf(modulesToSave);
    }

    private static AdaLoraSection of(AdaLoraSpec spec) {
        return new AdaLoraSection(
                spec.initialRank(),
                spec.targetRank(),
                spec.alpha(),
                spec.dropout(),
                spec.schedule().initialSteps(),
                spec.schedule().finalSteps(),
                spec.schedule().interval(),
                spec.beta1(),
                spec.beta2(),
                spec.orthogonality(),
                TargetSection.of(spec.targets()),
                spec.modulesToSave());
    }

    @Override
    public AdaLoraSpec spec() {
        return new AdaLoraSpec(
                target.targets(),
                initialRank,
                targetRank,
                alpha,
                dropout,
                new CubicBudget(initialSteps, finalSteps, interval),
                beta1,
                beta2,
                orthogonality,
                0,
                Map.of(),
                modulesToSave);
    }
}
