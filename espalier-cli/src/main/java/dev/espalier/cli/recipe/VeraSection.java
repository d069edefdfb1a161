package dev.espalier.cli.recipe;

import dev.espalier.adapter.VeraSpec;
import java.util.List;

/** VeRA; see {@link VeraSpec}, which it becomes. */
@Variant(value = VeraSpec.METHOD, is = "trained factors on random projections that all modules share")
public record VeraSection(
        @Key(value = "Rank of the shared projections.", atLeast = 1)
        int rank,

        @Key(value = "Dropout on the projections' input while training.", atLeast = 0, below = 1)
        double dropout,

        @Key("What the factors of the ranks start at.") double initialD,

        @Key(
                value = "What the projections are drawn from; the same numbers as PEFT's projection_prng_key.",
                atLeast = 0)
        long projectionSeed,

        @Key("Whether the adapter's file holds the projections; without them they are drawn again from the seed.")
        boolean saveProjection,

        @Inline TargetSection target,

        @Key("Modules that train as a whole beside the adapter, such as lm_head: ends of their paths.")
        List<String> modulesToSave)
        implements AdapterSection {
    static final VeraSection DEFAULT = of(VeraSpec.defaults());

    public VeraSection {
        modulesToSave = List.copyOf(modulesToSave);
    }

    private static VeraSection of(VeraSpec spec) {
        return new VeraSection(
                spec.rank(),
                spec.dropout(),
                spec.initialD(),
                spec.projectionSeed(),
                spec.saveProjection(),
                TargetSection.of(spec.targets()),
                spec.modulesToSave());
    }

    @Override
    public VeraSpec spec() {
        return new VeraSpec(target.targets(), rank, dropout, initialD, projectionSeed, saveProjection, modulesToSave);
    }
}
