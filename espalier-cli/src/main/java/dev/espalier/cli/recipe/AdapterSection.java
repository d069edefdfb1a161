package dev.espalier.cli.recipe;

import dev.espalier.adapter.AdapterSpec;

/** A method of adaptation; the key {@code method} says which. */
public sealed interface AdapterSection extends Checked
        permits LoraSection,
                Ia3Section,
                VeraSection,
                AdaLoraSection,
                StructuredLoraSection,
                MixtureSection,
                SparseSection,
                FullSection,
                HeadOnlySection {
    /** What the library needs to know of it. */
    AdapterSpec spec();

    @Override
    default void check() {
        spec();
    }
}
