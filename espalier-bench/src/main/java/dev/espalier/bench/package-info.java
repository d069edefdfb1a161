/** End-to-end benchmarks: training steps, kernels, merges, answers. */
@NullMarked
package dev.espalier.bench;

import org.jspecify.annotations.NullMarked;
