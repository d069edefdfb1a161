/** The Phi family's configs and names. */
@NullMarked
package dev.espalier.model.phi;

import org.jspecify.annotations.NullMarked;
