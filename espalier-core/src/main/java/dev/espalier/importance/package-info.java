/** How much weights matter: statistics of gradients behind everything that ranks weights. */
@NullMarked
package dev.espalier.importance;

import org.jspecify.annotations.NullMarked;
