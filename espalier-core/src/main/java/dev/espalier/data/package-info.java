/** Tasks: where examples come from, what their labels are, and how they become batches. */
@NullMarked
package dev.espalier.data;

import org.jspecify.annotations.NullMarked;
