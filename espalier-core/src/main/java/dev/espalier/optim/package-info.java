/** Optimizers over named tensors, learning-rate schedules, gradient clipping. */
@NullMarked
package dev.espalier.optim;

import org.jspecify.annotations.NullMarked;
