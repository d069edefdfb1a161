/** Native memory, devices and dtypes, seeds, the tape. Tensors are libtorch's own. */
@NullMarked
package dev.espalier.tensor;

import org.jspecify.annotations.NullMarked;
