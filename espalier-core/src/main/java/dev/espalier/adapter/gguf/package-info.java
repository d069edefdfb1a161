/** LoRA adapters as llama.cpp reads them. */
@NullMarked
package dev.espalier.adapter.gguf;

import org.jspecify.annotations.NullMarked;
