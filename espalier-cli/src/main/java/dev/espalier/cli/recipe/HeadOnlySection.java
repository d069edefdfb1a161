package dev.espalier.cli.recipe;

/** Nothing beside the heads is trained. */
@Variant(value = "head", is = "nothing but the heads: the baseline")
public record HeadOnlySection() implements AdapterSection {
    /** The only one. */
    public static final HeadOnlySection DEFAULT = new HeadOnlySection();
}
