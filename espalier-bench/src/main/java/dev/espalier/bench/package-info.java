/** End-to-end benchmarks of training steps. */
@NullMarked
package dev.espalier.bench;

import org.jspecify.annotations.NullMarked;
