/** The Qwen families' configs and names. */
@NullMarked
package dev.espalier.model.qwen;

import org.jspecify.annotations.NullMarked;
