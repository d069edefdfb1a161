/** From text to the token ids of a model. */
@NullMarked
package dev.espalier.text;

import org.jspecify.annotations.NullMarked;
