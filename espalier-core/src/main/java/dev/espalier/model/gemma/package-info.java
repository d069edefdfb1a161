/** The Gemma families' configs and names. */
@NullMarked
package dev.espalier.model.gemma;

import org.jspecify.annotations.NullMarked;
