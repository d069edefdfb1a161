/** Metrics of predictions and the intervals around them. */
@NullMarked
package dev.espalier.evaluate;

import org.jspecify.annotations.NullMarked;
