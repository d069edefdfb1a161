/** How wrong input is reported. */
@NullMarked
package dev.espalier.error;

import org.jspecify.annotations.NullMarked;
