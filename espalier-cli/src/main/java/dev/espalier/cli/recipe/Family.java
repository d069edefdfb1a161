package dev.espalier.cli.recipe;

import java.util.Set;

/** A section that serves several methods, each with some of its keys; a record with one method is a {@link Variant}. */
interface Family {
    /** The method of this section; no key of its own. */
    String method();

    /** What it is, in a few words. */
    String is();

    /** The keys that the method has, but for those of inlined records, which all have. */
    Set<String> keys();
}
