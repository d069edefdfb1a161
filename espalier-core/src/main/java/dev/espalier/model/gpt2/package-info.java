/** GPT-2's config and names. */
@NullMarked
package dev.espalier.model.gpt2;

import org.jspecify.annotations.NullMarked;
