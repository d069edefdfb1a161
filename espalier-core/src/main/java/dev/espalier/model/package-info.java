/**
 * Frozen language models: linears where adapters attach, named by their Hugging Face path, and the few operations
 * around them, each with its own backward pass. A family's package holds its config and weight names only.
 */
@NullMarked
package dev.espalier.model;

import org.jspecify.annotations.NullMarked;
