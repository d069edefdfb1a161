/** From text to the token ids of a model, and back. */
@NullMarked
package dev.espalier.text;

import org.jspecify.annotations.NullMarked;
