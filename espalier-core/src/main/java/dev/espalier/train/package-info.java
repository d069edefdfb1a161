/** The training loop, run folders, resume. */
@NullMarked
package dev.espalier.train;

import org.jspecify.annotations.NullMarked;
