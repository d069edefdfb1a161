/** Merging adapters: from the changes of several to one, on the changes of whole weights, one weight at a time. */
@NullMarked
package dev.espalier.merge;

import org.jspecify.annotations.NullMarked;
