/** The Llama family's configs and names. */
@NullMarked
package dev.espalier.model.llama;

import org.jspecify.annotations.NullMarked;
