/** From logits to the next token: how text is generated. */
@NullMarked
package dev.espalier.generate;

import org.jspecify.annotations.NullMarked;
