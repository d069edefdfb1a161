/** Experiments over many runs: adapters merged in many ways, and scored. */
@NullMarked
package dev.espalier.study;

import org.jspecify.annotations.NullMarked;
