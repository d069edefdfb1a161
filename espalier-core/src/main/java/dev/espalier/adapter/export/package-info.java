/** Adapters for use elsewhere: PEFT folders, merged models, GGUF. */
@NullMarked
package dev.espalier.adapter.export;

import org.jspecify.annotations.NullMarked;
