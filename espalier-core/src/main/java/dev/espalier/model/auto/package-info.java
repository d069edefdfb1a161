/** Opens a model folder as what its config says it is. */
@NullMarked
package dev.espalier.model.auto;

import org.jspecify.annotations.NullMarked;
