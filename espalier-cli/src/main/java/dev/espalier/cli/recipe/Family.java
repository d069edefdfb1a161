package dev.espalier.cli.recipe;

import java.util.HashSet;
import java.util.Set;

/** A section that serves several methods, each with some of its keys; a record with one method is a {@link Variant}. */
interface Family {
    /** The method of this section; no key of its own. */
    String method();

    /** What is known of it. */
    Method known();

    /**
     * What is known of a method.
     *
     * @param is what it is, in a few words
     * @param keys that it has, but for those of inlined records, which all have
     */
    record Method(String is, Set<String> keys) {
        /** With keys that all methods of the section have. */
        Method with(Set<String> common) {
            var all = new HashSet<>(common);
            all.addAll(keys);
            return new Method(is, all);
        }
    }
}
