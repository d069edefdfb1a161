/** How many experts, or which rank, each weight matrix of a model gets: rules on measured sensitivities, depth or tables. */
@NullMarked
package dev.espalier.allocation;

import org.jspecify.annotations.NullMarked;
