package dev.espalier.cli.recipe;

import dev.espalier.adapter.HeadOnlySpec;

/** Nothing beside the heads is trained. */
@Variant(value = HeadOnlySpec.METHOD, is = "nothing but the heads: the baseline")
public record HeadOnlySection() implements AdapterSection {
    /** The only one. */
    public static final HeadOnlySection DEFAULT = new HeadOnlySection();

    @Override
    public HeadOnlySpec spec() {
        return new HeadOnlySpec();
    }
}
