/**
 * The products of low-rank experts, {@code y += s B (D ⊙ A x)}: of all experts stacked, or of each expert with the tokens
 * that chose it; and the measured table that says which is faster. Both give the same numbers to rounding.
 */
@NullMarked
package dev.espalier.kernel;

import org.jspecify.annotations.NullMarked;
